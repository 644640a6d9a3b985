using System.Net;
using System.Net.Sockets;
using Dr.Contracts.Mqtt.Client;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
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
            .WithDefaultEndpoint()
            .WithDefaultEndpointPort(port)
            .WithPersistentSessions()
            .WithMaxPendingMessagesPerClient(PendingPerClient)
            .WithPendingMessagesOverflowStrategy(MQTTnet.Server.MqttPendingMessagesOverflowStrategy.DropOldestQueuedMessage);
        builder = endPoint.AddressFamily == AddressFamily.InterNetwork
            ? builder.WithDefaultEndpointBoundIPAddress(endPoint.Address).WithDefaultEndpointBoundIPV6Address(IPAddress.None)
            : builder.WithDefaultEndpointBoundIPV6Address(endPoint.Address).WithDefaultEndpointBoundIPAddress(IPAddress.None);
        _server = factory.CreateMqttServer(builder.Build());
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
        _server?.Dispose();
    }

    private static int FreePort(IPAddress address)
    {
        using var probe = new TcpListener(address, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    [LoggerMessage(3631, LogLevel.Information, "The embedded broker listens on {Address}:{Port}")]
    private partial void LogListening(IPAddress address, int port);
}
