using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Dr.Contracts.Errors;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Contracts.Mqtt.Client;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dr.EndToEnd.Tests.Link;

/// <summary>
/// TLS with certificates on both sides, whatever the broker: who gets in, and what each may do there. The same for the embedded broker and for Mosquitto with the configuration that is shipped.
/// </summary>
public abstract class MqttTlsSuite : IAsyncLifetime
{
    private readonly DeviceAuthority _authority = new("Dr test CA");
    private ITestBroker _broker = null!;

    private protected abstract ITestBroker CreateBroker(DeviceAuthority authority);

    public async ValueTask InitializeAsync()
    {
        _authority.Issue("broker", TopicAccess.ControlPlane, isServer: true);
        _authority.Issue("silo", TopicAccess.ControlPlane, isServer: false);
        _authority.Issue("kiosk-1", "kiosk-1", isServer: false);
        _authority.Issue("kiosk-2", "kiosk-2", isServer: false);
        _broker = CreateBroker(_authority);
        await _broker.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _broker.DisposeAsync();
        _authority.Dispose();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task A_device_and_the_control_plane_speak_over_tls()
    {
        await using var silo = await ConnectAsync("silo", "silo-1");
        await silo.SubscribeAsync(Topics.UpFilters("+"), CancellationToken.None);
        await using var kiosk = await ConnectAsync("kiosk-1", "kiosk-1");
        await kiosk.SubscribeAsync(Topics.DownFilters(new DeviceId("kiosk-1")), CancellationToken.None);
        await kiosk.PublishAsync(Message(Topics.Up(new DeviceId("kiosk-1"), UpChannel.Birth)), CancellationToken.None);
        (await NextAsync(silo)).Topic.ShouldBe(Topics.Up(new DeviceId("kiosk-1"), UpChannel.Birth));
        await silo.PublishAsync(Message(Topics.Down(new DeviceId("kiosk-1"), DownChannel.Command)), CancellationToken.None);
        (await NextAsync(kiosk)).Topic.ShouldBe(Topics.Down(new DeviceId("kiosk-1"), DownChannel.Command));
    }

    [Fact]
    public async Task A_device_neither_writes_nor_reads_under_anothers_id()
    {
        await using var silo = await ConnectAsync("silo", "silo-1");
        await silo.SubscribeAsync(Topics.UpFilters("+"), CancellationToken.None);
        await using var kiosk = await ConnectAsync("kiosk-1", "kiosk-1");

        // A broker refuses, or takes the message and gives it to nobody: either way the control plane hears the next one first.
        await TryAsync(() => kiosk.PublishAsync(Message(Topics.Up(new DeviceId("kiosk-2"), UpChannel.Birth)), CancellationToken.None));
        await TryAsync(() => kiosk.SubscribeAsync(["dr/v1/+/+/down/command"], CancellationToken.None));
        await kiosk.PublishAsync(Message(Topics.Up(new DeviceId("kiosk-1"), UpChannel.Result)), CancellationToken.None);
        (await NextAsync(silo)).Topic.ShouldBe(Topics.Up(new DeviceId("kiosk-1"), UpChannel.Result));
        await silo.PublishAsync(Message(Topics.Down(new DeviceId("kiosk-2"), DownChannel.Command)), CancellationToken.None);
        await kiosk.SubscribeAsync(Topics.DownFilters(new DeviceId("kiosk-1")), CancellationToken.None);
        await silo.PublishAsync(Message(Topics.Down(new DeviceId("kiosk-1"), DownChannel.Config)), CancellationToken.None);
        (await NextAsync(kiosk)).Topic.ShouldBe(Topics.Down(new DeviceId("kiosk-1"), DownChannel.Config));
    }

    [Fact]
    public async Task Nobody_gets_in_without_a_certificate_of_the_ca()
    {
        using var stranger = new DeviceAuthority("another CA");
        stranger.Issue("kiosk-1", "kiosk-1", isServer: false);
        var tls = stranger.Tls("kiosk-1", _authority.Path);
        await Should.ThrowAsync<DrException>(() => ConnectAsync(tls, "kiosk-1"));
        await Should.ThrowAsync<DrException>(() => ConnectAsync(tls: null, "kiosk-1"));
    }

    [Fact]
    public async Task A_device_does_not_speak_to_a_broker_of_another_ca()
    {
        using var stranger = new DeviceAuthority("another CA");
        var refusal = await Should.ThrowAsync<DrException>(() => ConnectAsync(_authority.Tls("kiosk-1", stranger.Path), "kiosk-1"));
        (refusal.Message + refusal.InnerException?.Message).ShouldContain("not accepted here");
    }

    [Fact]
    public async Task The_real_link_runs_over_it()
    {
        var data = Directory.CreateTempSubdirectory("dr-tls-link-").FullName;
        try
        {
            await using var silo = await TestSilo.StartAsync(_broker.Address, tls: _authority.Tls("silo"));
            await using var edge = await TestEdge.StartAsync("kiosk-1", data, _broker.Address, tls: _authority.Tls("kiosk-1"));
            await Eventually.TrueAsync("a birth was heard", () => !silo.Plane.Births.IsEmpty);
            await edge.AddAsync(1);
            await Eventually.TrueAsync("the row was committed and acknowledged", () => silo.Plane.Rows(new DeviceId("kiosk-1"), 0).Count == 1);
        }
        finally
        {
            Directory.Delete(data, recursive: true);
        }
    }

    private Task<IBrokerConnection> ConnectAsync(string certificate, string clientId) => ConnectAsync(_authority.Tls(certificate), clientId);

    private Task<IBrokerConnection> ConnectAsync(BrokerTls? tls, string clientId) => new BrokerConnector(TimeProvider.System).ConnectAsync(
        new BrokerSession { Broker = _broker.Address, ClientId = clientId, Tls = tls, SessionExpiry = TimeSpan.Zero }, CancellationToken.None);

    private static OutboundMessage Message(string topic) => new(topic, "{}"u8.ToArray(), "application/json", AtLeastOnce: true);

    private static async Task<InboundMessage> NextAsync(IBrokerConnection connection)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        return await connection.Inbound.ReadAsync(limit.Token);
    }

    private static async Task TryAsync(Func<Task> act)
    {
        try
        {
            await act();
        }
        catch (DrException)
        {
            // Refused in words, which is as good.
        }
    }
}

[Collection(nameof(LinkCollection))]
public sealed class EmbeddedTlsTests : MqttTlsSuite
{
    private protected override ITestBroker CreateBroker(DeviceAuthority authority) => new Embedded(authority.Tls("broker"));
}

[Collection(nameof(LinkCollection))]
public sealed class MosquittoTlsTests : MqttTlsSuite
{
    private protected override ITestBroker CreateBroker(DeviceAuthority authority) => new Mosquitto(authority);
}

/// <summary>A CA for brokers, devices and the control plane, as PEM files.</summary>
internal sealed class DeviceAuthority : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 _root;

    public DeviceAuthority(string name)
    {
        Folder = Directory.CreateTempSubdirectory("dr-mqtt-tls-").FullName;
        var request = new CertificateRequest($"CN={name}", _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        _root = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30));
        File.WriteAllText(Path, _root.ExportCertificatePem());
    }

    public string Folder { get; }

    public string Path => System.IO.Path.Combine(Folder, "ca.pem");

    public string FileOf(string name) => System.IO.Path.Combine(Folder, name);

    public void Issue(string file, string commonName, bool isServer)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={commonName}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(isServer ? [new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")] : [new Oid("1.3.6.1.5.5.7.3.2")], false));
        if (isServer)
        {
            var names = new SubjectAlternativeNameBuilder();
            names.AddIpAddress(IPAddress.Loopback);
            request.CertificateExtensions.Add(names.Build());
        }

        using var certificate = request.Create(_root, DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(20), RandomNumberGenerator.GetBytes(8));
        File.WriteAllText(FileOf($"{file}.pem"), certificate.ExportCertificatePem());
        File.WriteAllText(FileOf($"{file}.key"), key.ExportPkcs8PrivateKeyPem());
    }

    public BrokerTls Tls(string file, string? authority = null) =>
        BrokerTls.Create(FileOf($"{file}.pem"), FileOf($"{file}.key"), authority ?? Path, "test", TimeProvider.System, NullLogger.Instance)!;

    public void Dispose()
    {
        _root.Dispose();
        _key.Dispose();
        Directory.Delete(Folder, recursive: true);
    }
}
