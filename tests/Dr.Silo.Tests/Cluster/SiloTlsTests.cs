using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Dr.Contracts.Tls;
using Dr.Silo.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dr.Silo.Tests.Cluster;

/// <summary>The port between silos with TLS on: who is let in, and what is shown after a renewal.</summary>
[Collection(PostgresCollection.Name)]
public sealed class SiloTlsTests(PostgresServer server) : IAsyncLifetime
{
    private const string ClientAndServer = "both";

    /// <summary>How long a line that is let in has to stand.</summary>
    private static readonly TimeSpan Stays = TimeSpan.FromSeconds(2);

    /// <summary>How long the end of one that is refused is waited for.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TempDirectory _directory = new();
    private readonly ScriptedWorld _world = new();
    private readonly X509Certificate2 _authority = Authority("silos");
    private Dr.Silo.Storage.PostgresDatabase _database = null!;
    private TestSilo _silo = null!;

    public async ValueTask InitializeAsync()
    {
        Write(Issue(_authority, "silo-1", ClientAndServer));
        await File.WriteAllTextAsync(_directory.File("ca.pem"), _authority.ExportCertificatePem());
        var files = new TlsFiles(_directory.File("silo.pem"), _directory.File("silo.key"), _directory.File("ca.pem"), NullLogger.Instance);
        _database = new Dr.Silo.Storage.PostgresDatabase(await server.CreateAsync());
        _silo = await TestSilo.StartAsync(_database, _world, tls: files);
    }

    public async ValueTask DisposeAsync()
    {
        await _silo.DisposeAsync();
        await _world.DisposeAsync();
        await _database.DisposeAsync();
        _authority.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task Only_a_peer_with_a_certificate_of_the_silos_ca_for_both_purposes_is_let_in()
    {
        using var stranger = Authority("somebody else");
        (await IsLetInAsync(Issue(_authority, "silo-2", ClientAndServer), Stays)).ShouldBeTrue();
        (await IsLetInAsync(Issue(stranger, "silo-2", ClientAndServer), Patience)).ShouldBeFalse("another CA's");
        (await IsLetInAsync(Issue(_authority, "kiosk", "1.3.6.1.5.5.7.3.2"), Patience)).ShouldBeFalse("a client's");
        (await IsLetInAsync(Issue(_authority, "silo-2", ClientAndServer, expired: true), Patience)).ShouldBeFalse("an expired one");
        (await IsLetInAsync(null, Patience)).ShouldBeFalse("none");
    }

    [Fact]
    public async Task A_peer_that_speaks_no_tls_hears_nothing()
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync("127.0.0.1", _silo.SiloPort);
        await socket.GetStream().WriteAsync(new byte[64]);

        (await EndAsync(socket.GetStream(), Patience)).ShouldBeTrue();
    }

    [Fact]
    public async Task A_renewed_certificate_is_shown_without_a_restart()
    {
        using var mine = Issue(_authority, "silo-2", ClientAndServer);
        var before = await ShownAsync(mine);
        using var renewed = Issue(_authority, "silo-1", ClientAndServer);
        Write(renewed);

        (await ShownAsync(mine)).ShouldBe(renewed.SerialNumber);
        before.ShouldNotBe(renewed.SerialNumber);
    }

    private void Write(X509Certificate2 certificate)
    {
        File.WriteAllText(_directory.File("silo.key"), certificate.GetRSAPrivateKey()!.ExportPkcs8PrivateKeyPem());
        File.WriteAllText(_directory.File("silo.pem"), certificate.ExportCertificatePem());
    }

    private async Task<string> ShownAsync(X509Certificate2 mine)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync("127.0.0.1", _silo.SiloPort);
        await using var line = await HandshakeAsync(socket, mine);
        return ((X509Certificate2)line.RemoteCertificate!).SerialNumber;
    }

    /// <summary>In TLS 1.3 the server judges the client after the client's handshake is over: who is refused reads the end.</summary>
    private async Task<bool> IsLetInAsync(X509Certificate2? mine, TimeSpan patience)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync("127.0.0.1", _silo.SiloPort);
        try
        {
            await using var line = await HandshakeAsync(socket, mine);
            await line.WriteAsync(new byte[] { 0 });
            return !await EndAsync(line, patience);
        }
        catch (Exception e) when (e is IOException or System.Security.Authentication.AuthenticationException)
        {
            return false;
        }
        finally
        {
            mine?.Dispose();
        }
    }

    private static async Task<SslStream> HandshakeAsync(TcpClient socket, X509Certificate2? mine)
    {
        var line = new SslStream(socket.GetStream());
        await line.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "dr-silo",
            ClientCertificates = mine is null ? [] : [mine],
            RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate?.Issuer == "CN=silos",
        });
        return line;
    }

    /// <summary>True when the other end closes; false when it waits for more, as one that let us in does.</summary>
    private static async Task<bool> EndAsync(Stream stream, TimeSpan patience)
    {
        using var limit = new CancellationTokenSource(patience);
        try
        {
            return await stream.ReadAsync(new byte[1], limit.Token) == 0;
        }
        catch (IOException)
        {
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private static X509Certificate2 Authority(string name)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-10), DateTimeOffset.UtcNow.AddDays(10));
    }

    private static X509Certificate2 Issue(X509Certificate2 authority, string name, string purpose, bool expired = false)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        string[] purposes = purpose == ClientAndServer ? [CertificateCheck.ServerPurpose, CertificateCheck.ClientPurpose] : [purpose];
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([.. purposes.Select(p => new Oid(p))], true));
        var until = expired ? DateTimeOffset.UtcNow.AddDays(-1) : DateTimeOffset.UtcNow.AddDays(1);
        using var issued = request.Create(authority, DateTimeOffset.UtcNow.AddDays(-5), until, RandomNumberGenerator.GetBytes(16));
        using var withKey = issued.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(withKey.Export(X509ContentType.Pkcs12), null, X509KeyStorageFlags.Exportable);
    }
}
