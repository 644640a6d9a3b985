using System.Security.Cryptography.X509Certificates;
using Dr.Contracts.Enrolment;
using Dr.Contracts.Tls;

namespace Dr.Edge.Enrolment;

/// <summary>How a device gets its certificate, and the next one.</summary>
internal sealed class Enroller(IdentityFiles files, TimeProvider time)
{
    /// <summary>Enrols with a token. May be repeated with the same token when the answer was lost.</summary>
    /// <param name="authority">PEM file of the CA of the control plane's HTTPS certificate, when that is neither the CA of the devices nor one that the system trusts.</param>
    /// <exception cref="DrException">Refused, out of reach, or not the control plane that the token is of.</exception>
    public async Task<DeviceIdentity> EnrolAsync(EnrolmentToken token, IReadOnlyList<string> silos, string? authority, bool allowPlain, CancellationToken cancellationToken)
    {
        using var pinned = await AuthorityOfAsync(token, silos, allowPlain, cancellationToken);
        var trusted = new X509Certificate2Collection { pinned };
        if (authority is not null)
        {
            var pem = await ReadAsync(authority, cancellationToken);
            trusted.ImportFromPem(pem);
            files.TrustSilo(pem);
        }

        using var key = files.PendingKey();
        var body = new EnrolBody(token.Secret, EnrolmentClient.RequestFor(key, "new"));
        var answer = await FirstAsync(silos, silo => new EnrolmentClient(silo, trusted, time, allowPlain), (client, stop) => client.EnrolAsync(body, stop), cancellationToken);
        var identity = IdentityOf(answer, silos, answer.Site);
        RequireKey(answer.Authority, pinned);
        files.Install(identity, answer.Certificate, answer.Authority, key, time.GetUtcNow());
        return identity;
    }

    /// <summary>The next certificate, with a new key.</summary>
    /// <exception cref="DrException">Refused, or out of reach; the present one stays in place.</exception>
    public async Task<DeviceIdentity> RenewAsync(DeviceIdentity identity, bool allowPlain, CancellationToken cancellationToken)
    {
        using var present = files.Current();
        using var presentKey = present.GetECDsaPrivateKey() ?? throw new DrException($"The key in {files.Device} is none of ours.", "Enrol again with a new token: dr-edge enroll.");
        using var key = files.PendingKey();
        var (request, at) = (EnrolmentClient.RequestFor(key, identity.Device), time.GetUtcNow());
        var body = new RenewBody(present.ExportCertificatePem(), request, at, RenewalProof.Sign(presentKey, Contracts.Tls.RevocationList.SerialOf(present), at, request));
        var trusted = files.TrustedSilos();
        var answer = await FirstAsync(identity.Silos, silo => new EnrolmentClient(silo, trusted, time, allowPlain), (client, stop) => client.RenewAsync(body, stop), cancellationToken);
        var next = IdentityOf(answer, identity.Silos, identity.Site);
        using (var former = X509Certificate2.CreateFromPem(await ReadAsync(files.Authority, cancellationToken)))
        {
            RequireKey(answer.Authority, former);
        }

        files.Install(next, answer.Certificate, answer.Authority, key, time.GetUtcNow());
        return next;
    }

    /// <summary>Asks one control plane after the other; a refusal that is no trouble of the moment is the answer.</summary>
    public static async Task<T> FirstAsync<T>(IReadOnlyList<string> silos, Func<string, EnrolmentClient> open, Func<EnrolmentClient, CancellationToken, Task<T>> ask, CancellationToken cancellationToken)
    {
        DrException? trouble = null;
        foreach (var silo in silos)
        {
            using var client = open(silo);
            try
            {
                return await ask(client, cancellationToken);
            }
            catch (DrException exception) when (exception.IsTransient)
            {
                trouble = exception;
            }
        }

        throw trouble ?? new DrException("No control plane is named.", "Name one with --silo.");
    }

    /// <summary>The CA whose fingerprint the token has. Asked of anybody: a wrong one shows.</summary>
    private async Task<X509Certificate2> AuthorityOfAsync(EnrolmentToken token, IReadOnlyList<string> silos, bool allowPlain, CancellationToken cancellationToken)
    {
        var shown = await FirstAsync(silos, silo => new EnrolmentClient(silo, trusted: null, time, allowPlain), (client, stop) => client.AuthorityAsync(stop), cancellationToken);
        var certificate = X509Certificate2.CreateFromPem(shown.Certificate);
        return Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(certificate.RawDataMemory.Span)) == token.Fingerprint
            ? certificate
            : throw new DrException("This is not the control plane that the token is of: its CA is another one. The token was not sent.", "Check --silo. If the CA was renewed since the token was made, make a new token.");
    }

    /// <summary>A CA may be renewed, but its key stays: another one was put in by somebody on the way.</summary>
    private static void RequireKey(string authority, X509Certificate2 known)
    {
        using var shown = X509Certificate2.CreateFromPem(authority);
        if (!shown.PublicKey.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(known.PublicKey.ExportSubjectPublicKeyInfo()))
        {
            throw new DrException("The CA that came with the certificate has another key than the one that is trusted here.", "Nothing was changed. If there is a new CA, enrol again with a new token.");
        }
    }

    private static DeviceIdentity IdentityOf(Enrolled answer, IReadOnlyList<string> silos, string? site) => new()
    {
        Device = answer.Name,
        Role = answer.Role,
        Site = site,
        Silos = silos,
        Brokers = answer.Brokers,
        NotAfter = answer.NotAfter,
        RenewAfter = answer.RenewAfter,
    };

    private static async Task<string> ReadAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            return await File.ReadAllTextAsync(path, cancellationToken);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"--ca: {exception.Message}", "Name a PEM file with the authority's certificate.");
        }
    }
}
