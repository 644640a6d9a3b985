using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Dr.Edge.Tests.Nbd.Tls;

/// <summary>
/// A CA of the test's own and what it signs, as PEM files in the layout that libnbd and QEMU expect of a directory (<c>ca-cert.pem</c>, <c>client-cert.pem</c>, <c>client-key.pem</c>),
/// with the server's beside them.
/// </summary>
internal sealed class TestCertificates : IDisposable
{
    private readonly ECDsa _authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 _authority;

    public TestCertificates(string name = "Dr test CA")
    {
        Folder = System.IO.Directory.CreateTempSubdirectory("dr-tls-").FullName;
        var request = new CertificateRequest($"CN={name}", _authorityKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        _authority = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-40), DateTimeOffset.UtcNow.AddDays(40));
        File.WriteAllText(Authority, _authority.ExportCertificatePem());
        WriteServer();
        Write("client", "host-a", isServer: false);
    }

    public string Folder { get; }

    public string Authority => PathOf("ca-cert.pem");

    public string Server => PathOf("server-cert.pem");

    public string ServerKey => PathOf("server-key.pem");

    public X509Certificate2 Root => _authority;

    public void WriteServer(string name = "localhost", int validFromDays = -1, int validToDays = 30) => Write("server", name, isServer: true, validFromDays, validToDays);

    /// <summary>Files FILE-cert.pem and FILE-key.pem.</summary>
    public void Write(string file, string commonName, bool isServer, int validFromDays = -1, int validToDays = 30)
    {
        using var certificate = Create(commonName, isServer, validFromDays, validToDays, out var keyPem);
        File.WriteAllText(PathOf($"{file}-cert.pem"), certificate.ExportCertificatePem());
        File.WriteAllText(PathOf($"{file}-key.pem"), keyPem);
    }

    /// <summary>Certificate, key and CA of an appliance, which is server and client in one.</summary>
    /// <param name="role">What the CA says that it is for; null = nothing, as CAs of others.</param>
    public (string Certificate, string Key, string Authority) Appliance(string name, int validToDays = 30, string? role = null)
    {
        using var certificate = Create(name, isServer: true, -30, validToDays, out var keyPem, role, "1.3.6.1.5.5.7.3.2");
        File.WriteAllText(PathOf($"{name}-cert.pem"), certificate.ExportCertificatePem());
        File.WriteAllText(PathOf($"{name}-key.pem"), keyPem);
        return (PathOf($"{name}-cert.pem"), PathOf($"{name}-key.pem"), Authority);
    }

    /// <summary>A revocation list with these files' certificates.</summary>
    public Dr.Contracts.Tls.RevocationList Revoke(int number, params string[] files)
    {
        var builder = new CertificateRevocationListBuilder();
        foreach (var file in files)
        {
            using var certificate = X509CertificateLoader.LoadCertificateFromFile(file);
            builder.AddEntry(certificate);
        }

        var list = builder.Build(_authority, number, DateTimeOffset.UtcNow.AddDays(1), HashAlgorithmName.SHA256);
        return Dr.Contracts.Tls.RevocationList.Read(PemEncoding.WriteString("X509 CRL", list), [_authority]);
    }

    /// <summary>A client's certificate with its key, in memory.</summary>
    public X509Certificate2 Client(string commonName, bool isServer = false, int validFromDays = -1, int validToDays = 30)
    {
        using var certificate = Create(commonName, isServer, validFromDays, validToDays, out var keyPem);
        using var pem = X509Certificate2.CreateFromPem(certificate.ExportCertificatePem(), keyPem);
        return X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null);
    }

    /// <summary>A directory with this client's files under the names that the tools look for.</summary>
    public string ClientFolder(string commonName, int validToDays = 30)
    {
        var folder = System.IO.Directory.CreateDirectory(PathOf($"client-{commonName}-{validToDays}")).FullName;
        using var certificate = Create(commonName, isServer: false, -30, validToDays, out var keyPem);
        File.Copy(Authority, Path.Combine(folder, "ca-cert.pem"), overwrite: true);
        File.WriteAllText(Path.Combine(folder, "client-cert.pem"), certificate.ExportCertificatePem());
        File.WriteAllText(Path.Combine(folder, "client-key.pem"), keyPem);
        return folder;
    }

    public void Dispose()
    {
        _authority.Dispose();
        _authorityKey.Dispose();
        System.IO.Directory.Delete(Folder, recursive: true);
    }

    private X509Certificate2 Create(string commonName, bool isServer, int validFromDays, int validToDays, out string keyPem, string? role = null, params string[] purposes)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(role is null ? $"CN={commonName}" : $"CN={commonName}, OU={role}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyEncipherment, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(isServer ? "1.3.6.1.5.5.7.3.1" : "1.3.6.1.5.5.7.3.2"), .. purposes.Select(p => new Oid(p))], false));
        if (isServer)
        {
            var names = new SubjectAlternativeNameBuilder();
            names.AddDnsName(commonName);
            names.AddIpAddress(System.Net.IPAddress.Loopback);
            request.CertificateExtensions.Add(names.Build());
        }

        keyPem = key.ExportPkcs8PrivateKeyPem();
        return request.Create(_authority, DateTimeOffset.UtcNow.AddDays(validFromDays), DateTimeOffset.UtcNow.AddDays(validToDays), RandomNumberGenerator.GetBytes(8));
    }

    private string PathOf(string name) => Path.Combine(Folder, name);
}
