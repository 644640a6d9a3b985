using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Dr.Contracts.Tls;

/// <summary>Whether a certificate that the other end showed is good: from one of our CAs, in its time, made for the purpose. No network is asked and nothing of the machine's own trust counts.</summary>
public static class CertificateCheck
{
    public const string ClientPurpose = "1.3.6.1.5.5.7.3.2";

    public const string ServerPurpose = "1.3.6.1.5.5.7.3.1";

    private const string CommonNameOid = "2.5.4.3";

    private const string UnitOid = "2.5.4.11";

    /// <summary>Null when it is good, else what is wrong, for a log.</summary>
    /// <param name="intermediates">What the other end sent along; may help to build a chain, is trusted for nothing.</param>
    /// <param name="revocations">Withdrawn certificates; null when nobody keeps a list.</param>
    public static string? FindProblem(
        X509Certificate2 certificate, X509Certificate2Collection intermediates, X509Certificate2Collection authorities, string purpose, DateTimeOffset now, Revocations? revocations = null)
    {
        if (revocations?.IsRevoked(certificate) ?? false)
        {
            return $"certificate {RevocationList.SerialOf(certificate)} was revoked";
        }

        using var chain = new X509Chain();
        var policy = chain.ChainPolicy;
        policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        policy.CustomTrustStore.AddRange(authorities);
        policy.ExtraStore.AddRange(intermediates);
        policy.RevocationMode = X509RevocationMode.NoCheck;
        policy.DisableCertificateDownloads = true;
        policy.ApplicationPolicy.Add(new Oid(purpose));
        policy.VerificationTime = now.UtcDateTime;
        return chain.Build(certificate)
            ? null
            : string.Join("; ", chain.ChainStatus.Select(status => status.StatusInformation.Trim()).Distinct(StringComparer.Ordinal).DefaultIfEmpty("its chain could not be built"));
    }

    /// <summary>The one common name of its subject; null when there is none or more than one, which nobody should be authorised by.</summary>
    public static string? CommonNameOf(X509Certificate2 certificate) => OneOf(certificate, CommonNameOid);

    /// <summary>What it was issued for, by a CA of ours: the one organisational unit of its subject (<c>kiosk</c>, <c>host</c>, <c>appliance</c>, <c>broker</c>, <c>control-plane</c>); null in certificates of others.</summary>
    public static string? RoleOf(X509Certificate2 certificate) => OneOf(certificate, UnitOid);

    private static string? OneOf(X509Certificate2 certificate, string oid)
    {
        string? name = null;
        foreach (var part in certificate.SubjectName.EnumerateRelativeDistinguishedNames())
        {
            if (part.HasMultipleElements)
            {
                return null;
            }

            if (part.GetSingleElementType().Value == oid)
            {
                if (name is not null)
                {
                    return null;
                }

                name = part.GetSingleElementValue();
            }
        }

        return name;
    }
}
