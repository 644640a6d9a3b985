using Dr.Contracts.Mqtt.Client;
using Dr.Edge.Buffers;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Link;

/// <summary>
/// Keeps this device connected to the control plane for as long as the process runs: the first broker of the list that answers, an epoch committed
/// before every attempt, jitter between attempts, and yielding when another client took the session over.
/// </summary>
internal sealed partial class LinkService(
    LinkOptions options,
    LinkState state,
    EdgeBuffer buffer,
    EpochMemory epochs,
    CommandService commands,
    ServerClock clock,
    BeatTrigger trigger,
    IEnumerable<IBeatContributor> contributors,
    IEnumerable<ILeaseListener> listeners,
    IBrokerConnector connector,
    TimeProvider time,
    ILogger<LinkService> logger,
    BrokerTls? tls = null) : BackgroundService
{
    private static readonly TimeSpan LeaveWithin = TimeSpan.FromSeconds(2);
    private int _first;
    private int _unheard;
    private bool _configured;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var (failures, takeovers) = (0, 0);
        while (!stoppingToken.IsCancellationRequested)
        {
            var start = time.GetTimestamp();
            var end = await ConnectOnceAsync(stoppingToken);
            if (stoppingToken.IsCancellationRequested)
            {
                return;
            }

            var lasting = end.Connected && time.GetElapsedTime(start) > options.LastingAfter;
            (failures, takeovers) = lasting ? (0, 0) : (failures + (end.Connected ? 0 : 1), takeovers);
            TimeSpan wait;
            if (end.Reason.Kind == ConnectionEndKind.TakenOver)
            {
                wait = ReconnectDelay.AfterTakeover(++takeovers, Random.Shared.NextDouble());
                LogTakenOver(wait.TotalSeconds);
            }
            else
            {
                wait = ReconnectDelay.After(failures, Random.Shared.NextDouble(), options.IsOfASite);
                LogDown(end.Reason.Kind, end.Reason.Detail, wait.TotalSeconds);
            }

            state.LastTrouble = end.Reason.Detail;
            await Task.Delay(wait, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>One pass over the brokers and, with the first that answers, one session to its end.</summary>
    private async Task<(bool Connected, ConnectionEnd Reason)> ConnectOnceAsync(CancellationToken stoppingToken)
    {
        var reason = new ConnectionEnd(ConnectionEndKind.Lost, "no broker is configured");
        var first = _first;
        for (var i = 0; i < options.Brokers.Count; i++)
        {
            var at = (first + i) % options.Brokers.Count;
            try
            {
                var end = await RunSessionAsync(options.Brokers[at], stoppingToken);
                _first = end.Kind == ConnectionEndKind.Unheard ? (at + 1) % options.Brokers.Count : 0;
                return (true, end);
            }
            catch (DrException exception) when (exception.IsTransient)
            {
                reason = new ConnectionEnd(ConnectionEndKind.Lost, exception.Message);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return (false, new ConnectionEnd(ConnectionEndKind.Left, "stopping"));
            }
            catch (Exception exception) when (exception.MayPass())
            {
                // Whatever it is, a full disk too: volumes are served on without the control plane, and the next attempt follows.
                LogFault(exception);
                reason = new ConnectionEnd(ConnectionEndKind.Lost, exception.Message);
            }
        }

        return (false, reason);
    }

    private async Task<ConnectionEnd> RunSessionAsync(BrokerAddress broker, CancellationToken stoppingToken)
    {
        // Committed before the connect: whatever an earlier connection left behind (a will, batches in a queue) is then older, whatever happens next.
        if (!_configured)
        {
            state.Config = await buffer.ConfigAsync(stoppingToken) ?? state.Config;
            _configured = true;
        }

        var deviceEpoch = await buffer.NextDeviceEpochAsync(stoppingToken);
        var stream = await buffer.StreamAsync(stoppingToken);
        state.DeviceEpoch = deviceEpoch;
        await using var connection = await connector.ConnectAsync(
            new BrokerSession
            {
                Broker = broker,
                Tls = tls,
                ClientId = options.Device.Value,
                Will = LinkSession.Will(options, state, deviceEpoch),
                WillDelay = options.WillDelay,
                ConnectTimeout = options.ConnectTimeout,
                ProbePeriod = options.ProbePeriod,
            },
            stoppingToken);
        var session = new LinkSession(
            connection,
            options,
            state,
            buffer,
            epochs,
            commands,
            clock,
            new BeatSender(connection, options, state, trigger, contributors, listeners, epochs, time, logger),
            new DataSender(connection, options, buffer, deviceEpoch, time, logger),
            new ResultSender(connection, options, commands, buffer, time),
            stream,
            deviceEpoch,
            time,
            logger,
            options.Brokers.Count > 1 ? options.UnheardAfter * (1 << Math.Min(_unheard, options.UnheardDoublings)) : null);
        try
        {
            var end = await session.RunAsync(stoppingToken);
            _unheard = session.WasHeard ? 0 : end.Kind == ConnectionEndKind.Unheard ? _unheard + 1 : _unheard;
            return end;
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            await LeaveAsync(session);
            return new ConnectionEnd(ConnectionEndKind.Left, "stopping");
        }
    }

    private async Task LeaveAsync(LinkSession session)
    {
        using var deadline = new CancellationTokenSource(LeaveWithin, time);
        try
        {
            await session.LeaveAsync(deadline.Token);
        }
        catch (Exception exception) when (exception is DrException or OperationCanceledException)
        {
            LogLeaveFailed(exception.Message);
        }
    }

    [LoggerMessage(1651, LogLevel.Warning, "The link is down ({Kind}: {Detail}); next attempt in {Seconds:0.0} s")]
    private partial void LogDown(ConnectionEndKind kind, string detail, double seconds);

    [LoggerMessage(1652, LogLevel.Error, "Another agent connected with this device's id; yielding to it for {Seconds:0} s. Two machines with one id must not be: check which of them is the right one")]
    private partial void LogTakenOver(double seconds);

    [LoggerMessage(1654, LogLevel.Error, "The link met what it did not expect and begins anew; this is a fault of this program or of the machine under it")]
    private partial void LogFault(Exception exception);

    [LoggerMessage(1653, LogLevel.Information, "Could not say good-bye to the broker: {Detail}")]
    private partial void LogLeaveFailed(string detail);
}
