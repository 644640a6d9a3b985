using Dr.Contracts.Mqtt.Client;
using Microsoft.Extensions.Logging;

namespace Dr.Silo.Ingress;

/// <summary>
/// This silo's line to one broker: connected for as long as the process runs, subscribed to this silo's share of the partitions. When the share changes, what was gained is heard at once and what was lost is let go only after
/// <see cref="IngressOptions.Overlap"/>, so that for a moment two silos hear a device rather than none: everything that arrives twice counts once.
/// </summary>
/// <param name="address">The broker's, once it is known.</param>
/// <param name="received">Every message of a device, with the line it came by.</param>
internal sealed partial class BrokerLine(
    Func<CancellationToken, Task<BrokerAddress>> address,
    IngressOptions options,
    IPartitionShare share,
    IBrokerConnector connector,
    Func<BrokerLine, DeviceId, string, InboundMessage, CancellationToken, ValueTask> received,
    TimeProvider time,
    ILogger logger)
{
    /// <summary>See <see cref="Topics.UpFilters"/>.</summary>
    private const int FiltersPerPartition = 2;

    private readonly TaskCompletionSource _firstConnect = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly HashSet<string> _subscribed = new(StringComparer.Ordinal);
    private IBrokerConnection? _connection;
    private long _lostAt;
    private volatile bool _settling;

    /// <summary>Completes with the first subscription that stands.</summary>
    public Task Ready => _firstConnect.Task;

    public bool IsConnected => Volatile.Read(ref _connection) is { Closed.IsCompleted: false };

    /// <summary>Partitions change hands.</summary>
    public bool IsSettling => _settling;

    /// <summary>It was lost so short a time ago that its devices may still be on their way to another broker.</summary>
    public bool IsRegrouping => Interlocked.Read(ref _lostAt) is var at && at != 0 && !IsConnected && time.GetElapsedTime(at) < options.Regroup;

    /// <exception cref="DrException">There is no connection, or it ended first.</exception>
    public Task PublishAsync(OutboundMessage message, CancellationToken cancellationToken) =>
        Volatile.Read(ref _connection)?.PublishAsync(message, cancellationToken)
        ?? throw new DrException("The control plane has no connection to its broker.", "It reconnects by itself; what was to be sent is sent then.", isTransient: true);

    /// <summary>Until the silo stops.</summary>
    public async Task RunAsync(CancellationToken stoppingToken)
    {
        var failures = 0;
        while (!stoppingToken.IsCancellationRequested)
        {
            ConnectionEnd end;
            try
            {
                end = await RunConnectionAsync(() => failures = 0, stoppingToken);
            }
            catch (DrException exception) when (exception.IsTransient)
            {
                end = new ConnectionEnd(ConnectionEndKind.Lost, exception.Message);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception) when (exception.MayPass())
            {
                // Whatever it is: a line that gave up here would leave its devices unheard for good.
                LogFault(exception);
                end = new ConnectionEnd(ConnectionEndKind.Lost, exception.Message);
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

    private async Task<ConnectionEnd> RunConnectionAsync(Action connected, CancellationToken stoppingToken)
    {
        var broker = await address(stoppingToken);
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
        var receiving = ReceiveAsync(connection, ending.Token);
        var following = FollowShareAsync(connection, ending.Token);
        await Task.WhenAny(connection.Closed, following, receiving);
        await ending.CancelAsync();
        Interlocked.Exchange(ref _lostAt, time.GetTimestamp());
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

    private async Task ReceiveAsync(IBrokerConnection connection, CancellationToken cancellationToken)
    {
        await foreach (var message in connection.Inbound.ReadAllAsync(cancellationToken))
        {
            if (Topics.TryParse(message.Topic, out var device, out var channel))
            {
                await received(this, device, channel, message, cancellationToken);
            }
            else
            {
                await message.AcknowledgeAsync(cancellationToken);
            }
        }
    }

    [LoggerMessage(3621, LogLevel.Information, "Connected to the broker {Broker}")]
    private partial void LogConnected(BrokerAddress broker);

    [LoggerMessage(3622, LogLevel.Warning, "The connection to the broker is over ({Kind}: {Detail}); next attempt in {Seconds:0.0} s")]
    private partial void LogDown(ConnectionEndKind kind, string detail, double seconds);

    [LoggerMessage(3625, LogLevel.Error, "The line to the broker met what it did not expect and begins anew; this is a fault of this program or of the machine under it")]
    private partial void LogFault(Exception exception);

    [LoggerMessage(3624, LogLevel.Information, "This silo hears {Count} partitions of devices now: {Gained} more, {Lost} less")]
    private partial void LogShare(int count, int gained, int lost);
}
