using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Dr.Contracts.Enrolment;
using Dr.Contracts.Tls;
using Dr.Silo.Access;

namespace Dr.Silo.Certificates;

/// <summary>Enrols, renews and revokes with this silo's CA, if it has one. What it decides on is in the database, so that every silo decides alike.</summary>
internal sealed class CertificateService(CertificateStore store, CertificateOptions options, AuthorityHolder holder, RevocationWatch watch, TimeProvider time)
{
    public CertificateAuthority? Authority => holder.Authority;

    /// <summary>The token's text; null when too many are open.</summary>
    public async Task<(EnrolmentRecord Record, string Token)?> MakeTokenAsync(
        CertificateAuthority authority, string name, string role, string? site, IReadOnlyList<string> hosts, TimeSpan life, string by, CancellationToken cancellationToken)
    {
        var secret = AccessToken.New();
        return await store.AddTokenAsync(secret, name, role, site, hosts, life, by, cancellationToken) is { } record
            ? (record, new EnrolmentToken(secret.ToString(), authority.Fingerprint).ToString())
            : null;
    }

    /// <exception cref="DrException">The request is none.</exception>
    public async Task<IssueOutcome> EnrolAsync(CertificateAuthority authority, EnrolBody body, CancellationToken cancellationToken)
    {
        var key = CertificateAuthority.KeyOf(body.Request);
        if (!AccessToken.TryParse(body.Token, out var token))
        {
            return IssueOutcome.Refused("This is no enrolment token.", "It is the text that dr-silo ca token printed, whole.");
        }

        var outcome = await store.EnrolAsync(authority, token, key, options.DeviceLife, cancellationToken);
        await watch.LookAsync(cancellationToken);
        return outcome;
    }

    /// <exception cref="DrException">The request is none.</exception>
    public async Task<IssueOutcome> RenewAsync(CertificateAuthority authority, RenewBody body, CancellationToken cancellationToken)
    {
        var key = CertificateAuthority.KeyOf(body.Request);
        using var present = Read(body.Certificate);
        if (present is null || CertificateCheck.FindProblem(present, [], [authority.Certificate], CertificateCheck.ClientPurpose, time.GetUtcNow(), watch.Revocations) is not null)
        {
            return IssueOutcome.Refused("The present certificate is not good.", "It must be of this CA, not past its time and not revoked. Otherwise enrol again with a new token.");
        }

        var serial = RevocationList.SerialOf(present);
        if ((time.GetUtcNow() - body.At).Duration() > RenewalProof.GoodFor || !RenewalProof.IsGood(present, serial, body.At, body.Request!, body.Signature ?? ""))
        {
            return IssueOutcome.Refused("The proof that the certificate is the sender's is not good.", $"It is signed by the present key, at most {RenewalProof.GoodFor.TotalMinutes:0} minutes ago: look at the device's clock.");
        }

        return await store.RenewAsync(authority, serial, key, options.DeviceLife, cancellationToken);
    }

    /// <summary>The serial numbers that were withdrawn; they are refused here when this returns.</summary>
    public async Task<IReadOnlyList<string>> RevokeAsync(CertificateAuthority authority, string? name, string? serial, string reason, string by, CancellationToken cancellationToken)
    {
        var revoked = await store.RevokeAsync(authority, name, serial, reason, by, cancellationToken);
        await watch.LookAsync(cancellationToken);
        return revoked;
    }

    private static X509Certificate2? Read(string? pem)
    {
        try
        {
            return pem is { Length: > 0 and <= CertificateLimits.RequestBytesMax } ? X509Certificate2.CreateFromPem(pem) : null;
        }
        catch (CryptographicException)
        {
            return null;
        }
    }
}

/// <summary>This silo's CA, read at its start; null when it has none.</summary>
internal sealed class AuthorityHolder(CertificateOptions options) : IDisposable
{
    public CertificateAuthority? Authority { get; } = options.Folder is { } folder ? AuthorityFiles.Read(folder, AuthorityFiles.Passphrase(options.PassphraseFile)) : null;

    public void Dispose() => Authority?.Dispose();
}
