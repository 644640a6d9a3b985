using Dr.Contracts.Grains;
using Dr.Contracts.Mqtt.Client;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Dr.Silo.Ingress;

/// <summary>
/// This silo's connection to the broker: messages of its partitions to the grains, acknowledgements, commands and configuration to the devices. When the share of
/// partitions changes, what was gained is heard at once and what was lost is let go only after <see cref="IngressOptions.Overlap"/>, so that for a moment two silos hear a
/// device rather than none: everything that arrives twice counts once.
/// </summary>
internal sealed partial class IngressService(
    IngressOptions options,
    EmbeddedBroker embedded,
    IPartitionShare share,
    IDeviceCalls calls,
    IDeadLetters deadLetters,
    IBrokerConnector connector,
    TimeProvider time,
    ILogger<IngressService> logger) : BackgroundService, IDownlink
{
    /// <summary>See <see cref="Topics.UpFilters"/>.</summary>
    private const int FiltersPerPartition = 2;

    private readonly TaskCompletionSource _firstConnect = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly HashSet<string> _subscribed = new(StringComparer.Ordinal);
    private IBrokerConnection? _connection;
    private DeviceDispatcher? _dispatcher;
    private volatile bool _settling;

    /// <summary>Completes with the first subscription that stands.</summary>
    public Task Ready => _firstConnect.Task;

    /// <summary>Trouble of our own: while this is false, silence of the devices says nothing about them. Also false while partitions change hands.</summary>
    public bool Connected => !_settling && Volatile.Read(ref _connection) is { Closed.IsCompleted: false };

    /// <summary>Since it was asked last, more came than could be heard. Whoever asks judges nobody by what was missed.</summary>
    public bool TakeOverload() => Volatile.Read(ref _dispatcher)?.TakeTrouble() == true;

    /// <summary>The connection stands, whoever hears which partition.</summary>
    public bool HasBroker => Volatile.Read(ref _connection) is { Closed.IsCompleted: false };

    public Task SendCommandAsync(DeviceId device, DeviceCommand command, CancellationToken cancellationToken) =>
        PublishAsync(OutboundMessage.Of(Topics.Down(device, DownChannel.Command), command, MqttJson.Default.DeviceCommand, atLeastOnce: true), cancellationToken);

    public Task SetConfigAsync(DeviceId device, DeviceConfig config, CancellationToken cancellationToken) =>
        PublishAsync(OutboundMessage.Of(Topics.Down(device, DownChannel.Config), config, MqttJson.Default.DeviceConfig, atLeastOnce: true, retain: true), cancellationToken);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var failures = 0;
        await using var dispatcher = new DeviceDispatcher(new DeviceMessages(calls, deadLetters, time), PublishAckAsync, options, logger);
        Volatile.Write(ref _dispatcher, dispatcher);
        while (!stoppingToken.IsCancellationRequested)
        {
            ConnectionEnd end;
            try
            {
                end = await RunConnectionAsync(dispatcher, () => failures = 0, stoppingToken);
            }
            catch (DrException exception) when (exception.IsTransient)
            {
                end = new ConnectionEnd(ConnectionEndKind.Lost, exception.Message);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }

            var wait = end.Kind switch
            {
                ConnectionEndKind.Left => TimeSpan.Zero,
                ConnectionEndKind.TakenOver => ReconnectDelay.AfterTakeover(++failures, Random.Shared.NextDouble()),
                _ => ReconnectDelay.After(failures++, Random.Shared.NextDouble(), few: true),
            };
            LogDown(end.Kind, end.Detail, wait.TotalSeconds);
            await Task.Delay(wait, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<ConnectionEnd> RunConnectionAsync(DeviceDispatcher dispatcher, Action connected, CancellationToken stoppingToken)
    {
        var broker = options.Broker ?? await embedded.AddressAsync(stoppingToken);
        await using var connection = await connector.ConnectAsync(
            new BrokerSession
            {
                Broker = broker,
                Tls = options.Tls,
                ClientId = options.ClientId,
                // Whatever is missed while away is sent again by the devices; a queue at the broker would only be a second, less honest memory.
                SessionExpiry = TimeSpan.Zero,
                ProbePeriod = options.ProbePeriod,
                InboundCapacity = 8 * 1024,
                ReceiveMaximum = 4 * 1024,
            },
            stoppingToken);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        _subscribed.Clear();
        await SubscribeAsync(connection, FiltersNow(), stoppingToken);
        Volatile.Write(ref _connection, connection);
        LogConnected(broker);
        _firstConnect.TrySetResult();
        connected();
        var receiving = ReceiveAsync(connection, dispatcher, ending.Token);
        var following = FollowShareAsync(connection, ending.Token);
        await Task.WhenAny(connection.Closed, following, receiving);
        await ending.CancelAsync();
        Volatile.Write(ref _connection, null);
        _settling = false;
        try
        {
            await Task.WhenAll(receiving, following);
        }
        catch (OperationCanceledException)
        {
            // Ended together with the connection.
        }

        stoppingToken.ThrowIfCancellationRequested();
        return await connection.Closed;
    }

    /// <summary>Keeps the subscriptions as the share says, until the connection ends.</summary>
    private async Task FollowShareAsync(IBrokerConnection connection, CancellationToken cancellationToken)
    {
        while (true)
        {
            // Asked for before looking, so that a change in between is not missed.
            var changed = share.WaitForChangeAsync(cancellationToken);
            var wanted = FiltersNow();
            string[] gained = [.. wanted.Except(_subscribed, StringComparer.Ordinal)], lost = [.. _subscribed.Except(wanted, StringComparer.Ordinal)];
            if (gained.Length + lost.Length > 0)
            {
                _settling = true;
                await SubscribeAsync(connection, gained, cancellationToken);
                LogShare(wanted.Count / FiltersPerPartition, gained.Length / FiltersPerPartition, lost.Length / FiltersPerPartition);
                await Task.WhenAny(changed, Task.Delay(options.Overlap, time, cancellationToken));
                cancellationToken.ThrowIfCancellationRequested();
                if (changed.IsCompleted)
                {
                    continue;
                }

                if (lost.Length > 0)
                {
                    await connection.UnsubscribeAsync(lost, cancellationToken);
                    _subscribed.ExceptWith(lost);
                }

                _settling = false;
            }

            await changed;
        }
    }

    private IReadOnlyList<string> FiltersNow() => [.. (share.Current?.Select(p => p.ToString("x2", CultureInfo.InvariantCulture)) ?? ["+"]).SelectMany(Topics.UpFilters)];

    private async Task SubscribeAsync(IBrokerConnection connection, IReadOnlyCollection<string> filters, CancellationToken cancellationToken)
    {
        if (filters.Count > 0)
        {
            await connection.SubscribeAsync(filters, cancellationToken);
            _subscribed.UnionWith(filters);
        }
    }

    private static async Task ReceiveAsync(IBrokerConnection connection, DeviceDispatcher dispatcher, CancellationToken cancellationToken)
    {
        await foreach (var message in connection.Inbound.ReadAllAsync(cancellationToken))
        {
            if (Topics.TryParse(message.Topic, out var device, out var channel))
            {
                await dispatcher.PostAsync(device, channel, message, cancellationToken);
            }
            else
            {
                await message.AcknowledgeAsync(cancellationToken);
            }
        }
    }

    private async Task PublishAckAsync(DeviceId device, DownAck ack, CancellationToken cancellationToken)
    {
        try
        {
            await PublishAsync(OutboundMessage.Of(Topics.Down(device, DownChannel.Ack), ack, MqttJson.Default.DownAck, atLeastOnce: false), cancellationToken);
        }
        catch (DrException exception) when (exception.IsTransient)
        {
            // Cumulative: the next one covers it, and the device asks again by sending again.
            LogAckLost(exception.Message);
        }
    }

    private Task PublishAsync(OutboundMessage message, CancellationToken cancellationToken) =>
        Volatile.Read(ref _connection)?.PublishAsync(message, cancellationToken)
        ?? throw new DrException("The control plane has no connection to its broker.", "It reconnects by itself; what was to be sent is sent then.", isTransient: true);

    [LoggerMessage(3621, LogLevel.Information, "Connected to the broker {Broker}")]
    private partial void LogConnected(BrokerAddress broker);

    [LoggerMessage(3622, LogLevel.Warning, "The connection to the broker is over ({Kind}: {Detail}); next attempt in {Seconds:0.0} s")]
    private partial void LogDown(ConnectionEndKind kind, string detail, double seconds);

    [LoggerMessage(3624, LogLevel.Information, "This silo hears {Count} partitions of devices now: {Gained} more, {Lost} less")]
    private partial void LogShare(int count, int gained, int lost);

    [LoggerMessage(3623, LogLevel.Debug, "An acknowledgement was not sent: {Detail}")]
    private partial void LogAckLost(string detail);
}
