using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Dr.Contracts.Mqtt.Client;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using MQTTnet.Certificates;
using MQTTnet.Server;

namespace Dr.Silo.Ingress;

/// <summary>
/// The broker inside the silo, for one machine, demonstrations and tests. Like the real one it keeps nothing over a restart, and nothing relies on it to.
/// </summary>
internal sealed partial class EmbeddedBroker(IngressOptions options, ILogger<EmbeddedBroker> logger) : IHostedService, IAsyncDisposable
{
    /// <summary>Messages for one client that is slow or away; the oldest goes first, and is sent again by whoever cares.</summary>
    private const int PendingPerClient = 10_000;

    private readonly TaskCompletionSource<BrokerAddress> _listening = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private MqttServer? _server;
    private DelayedWills? _wills;
    private BrokerGuard? _guard;

    /// <summary>Where it listens, once it does.</summary>
    public Task<BrokerAddress> AddressAsync(CancellationToken cancellationToken) => _listening.Task.WaitAsync(cancellationToken);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (options.Listen is not { } endPoint)
        {
            return;
        }

        var port = endPoint.Port == 0 ? FreePort(endPoint.Address) : endPoint.Port;
        var factory = new MqttServerFactory();
        var builder = factory.CreateServerOptionsBuilder()
            .WithPersistentSessions()
            .WithMaxPendingMessagesPerClient(PendingPerClient)
            .WithPendingMessagesOverflowStrategy(MQTTnet.Server.MqttPendingMessagesOverflowStrategy.DropOldestQueuedMessage);
        var isVersion4 = endPoint.AddressFamily == AddressFamily.InterNetwork;
        var (version4, version6) = isVersion4 ? (endPoint.Address, IPAddress.None) : (IPAddress.None, endPoint.Address);
        if (options.Tls is { } tls)
        {
            builder = builder.WithoutDefaultEndpoint()
                .WithEncryptedEndpoint()
                .WithEncryptedEndpointPort(port)
                .WithEncryptedEndpointBoundIPAddress(version4)
                .WithEncryptedEndpointBoundIPV6Address(version6)
                .WithEncryptionSslProtocol(SslProtocols.Tls12 | SslProtocols.Tls13)
                .WithEncryptionCertificate(new CurrentCertificate(tls))
                .WithClientCertificate((_, certificate, chain, _) => IsGood(tls, certificate, chain));
            _server = factory.CreateMqttServer(builder.Build());
            _guard = new BrokerGuard(_server, tls, logger);
        }
        else
        {
            _server = factory.CreateMqttServer(builder
                .WithDefaultEndpoint()
                .WithDefaultEndpointPort(port)
                .WithDefaultEndpointBoundIPAddress(version4)
                .WithDefaultEndpointBoundIPV6Address(version6)
                .Build());
        }

        _wills = new DelayedWills(_server, options.LongestWillDelay);
        try
        {
            await _server.StartAsync();
        }
        catch (SocketException exception)
        {
            throw new DrException($"The embedded broker cannot listen on {endPoint.Address}:{port}: {exception.Message}.", "Choose a free port with --mqtt-listen.", exception);
        }

        LogListening(endPoint.Address, port);
        _listening.TrySetResult(new BrokerAddress(endPoint.Address.ToString(), port));
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_server is { IsStarted: true })
        {
            await _server.StopAsync(new MqttServerStopOptions());
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync(CancellationToken.None);
        _wills?.Dispose();
        _guard?.Dispose();
        _server?.Dispose();
    }

    private static bool IsGood(BrokerTls tls, X509Certificate? shown, X509Chain? chain)
    {
        if (shown is null)
        {
            return false;
        }

        using var certificate = new X509Certificate2(shown);
        return tls.FindClientProblem(certificate, chain) is null;
    }

    private static int FreePort(IPAddress address)
    {
        using var probe = new TcpListener(address, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    /// <summary>Asked at every handshake, so that a renewed certificate needs no restart.</summary>
    private sealed class CurrentCertificate(BrokerTls tls) : ICertificateProvider
    {
        public X509Certificate2 GetCertificate() => tls.Current.Own.TargetCertificate;
    }

    [LoggerMessage(3631, LogLevel.Information, "The embedded broker listens on {Address}:{Port}")]
    private partial void LogListening(IPAddress address, int port);
}
