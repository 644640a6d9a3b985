using System.Net;
using System.Numerics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Dr.Silo.Certificates;

/// <summary>What is put into a certificate; the key comes from a request, nothing else does.</summary>
internal sealed record CertificateOrder(string Name, string Role, IReadOnlyList<string> Hosts, TimeSpan Life);

/// <summary>An entry of the revocation list.</summary>
internal sealed record RevokedSerial(string Serial, DateTimeOffset At);

/// <summary>The CA's certificate and key, and what it signs with them: ECDSA P-256, SHA-256. Knows no files and no database.</summary>
internal sealed class CertificateAuthority(X509Certificate2 certificate) : IDisposable
{
    private const int RsaBitsMin = 2048;

    /// <summary>With its private key.</summary>
    public X509Certificate2 Certificate { get; } = certificate;

    public string Pem => Certificate.ExportCertificatePem();

    public DateTimeOffset NotAfter { get; } = new(certificate.NotAfter.ToUniversalTime());

    public string Fingerprint => FingerprintOf(Certificate);

    public static string FingerprintOf(X509Certificate2 certificate) => Convert.ToHexStringLower(SHA256.HashData(certificate.RawDataMemory.Span));

    /// <summary>A new self-signed CA, with a new key unless <paramref name="former"/> is renewed: then its key and name stay, so that everything it issued stays good.</summary>
    public static CertificateAuthority Create(string name, TimeSpan life, DateTimeOffset now, CertificateAuthority? former = null)
    {
        using var key = former?.Certificate.GetECDsaPrivateKey() ?? ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(former?.Certificate.SubjectName ?? SubjectOf(name), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: true, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        return new CertificateAuthority(request.CreateSelfSigned(now - CertificateLimits.Backdating, now + life));
    }

    private static X500DistinguishedName SubjectOf(string name)
    {
        var subject = new X500DistinguishedNameBuilder();
        subject.AddCommonName(name);
        return subject.Build();
    }

    /// <summary>The key in a PKCS#10 request, whose own signature proves that the sender has it.</summary>
    /// <exception cref="DrException">It is no request, or the key is too weak.</exception>
    public static PublicKey KeyOf(string? request)
    {
        try
        {
            if (request is not { Length: > 0 and <= CertificateLimits.RequestBytesMax })
            {
                throw new DrException("The certificate request is missing or too long.", "Send a PKCS#10 request in PEM.");
            }

            var key = CertificateRequest.LoadSigningRequestPem(request, HashAlgorithmName.SHA256, CertificateRequestLoadOptions.Default, RSASignaturePadding.Pkcs1).PublicKey;
            using var curve = key.GetECDsaPublicKey();
            using var rsa = key.GetRSAPublicKey();
            return curve is { KeySize: >= 256 } || rsa is { KeySize: >= RsaBitsMin } ? key : throw new DrException("The key of the request is too weak.", "Use ECDSA P-256.");
        }
        catch (Exception exception) when (exception is CryptographicException or ArgumentException)
        {
            throw new DrException($"The certificate request cannot be used: {exception.Message}", "It must be PKCS#10 in PEM, signed by its own key.", exception);
        }
    }

    public X509Certificate2 Issue(CertificateOrder order, PublicKey key, DateTimeOffset now)
    {
        var subject = new X500DistinguishedNameBuilder();
        subject.AddOrganizationalUnitName(order.Role);
        subject.AddCommonName(order.Name);
        var request = new CertificateRequest(subject.Build(), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([.. CertificateRoles.PurposesOf(order.Role).Select(p => new Oid(p))], critical: false));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(key, critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(Certificate, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        if (order.Hosts.Count > 0)
        {
            var names = new SubjectAlternativeNameBuilder();
            foreach (var host in order.Hosts)
            {
                if (IPAddress.TryParse(host, out var address))
                {
                    names.AddIpAddress(address);
                }
                else
                {
                    names.AddDnsName(host);
                }
            }

            request.CertificateExtensions.Add(names.Build());
        }

        // 16 random bytes, positive and without a leading zero, so that the number is written in one way only.
        var serial = RandomNumberGenerator.GetBytes(16);
        serial[0] = (byte)((serial[0] & 0x7f) | 0x40);
        using var signer = Certificate.GetECDsaPrivateKey()!;
        var end = now + order.Life;
        return request.Create(
            Certificate.SubjectName, X509SignatureGenerator.CreateForECDsa(signer), now - CertificateLimits.Backdating, end < NotAfter ? end : NotAfter, serial);
    }

    /// <summary>The revocation list in PEM.</summary>
    public string MakeList(long number, IEnumerable<RevokedSerial> revoked, DateTimeOffset now)
    {
        var builder = new CertificateRevocationListBuilder();
        foreach (var entry in revoked)
        {
            builder.AddEntry(Convert.FromHexString(entry.Serial), entry.At);
        }

        // Dated back as certificates are: by a list of the future a broker refuses everybody. All by the same time, so that the order of lists stays.
        var list = builder.Build(Certificate, new BigInteger(number), now + CertificateLimits.ListLife, HashAlgorithmName.SHA256, rsaSignaturePadding: null, thisUpdate: now - CertificateLimits.ListBackdating);
        return PemEncoding.WriteString("X509 CRL", list);
    }

    public void Dispose() => Certificate.Dispose();
}
