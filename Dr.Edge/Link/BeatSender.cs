using System.Collections.Concurrent;
using Dr.Contracts.Mqtt.Client;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Link;

/// <summary>Sends the beats of one connection and takes what answers them.</summary>
internal sealed partial class BeatSender(
    IBrokerConnection connection,
    LinkOptions options,
    LinkState state,
    BeatTrigger trigger,
    IEnumerable<IBeatContributor> contributors,
    IEnumerable<ILeaseListener> listeners,
    EpochMemory epochs,
    TimeProvider time,
    ILogger logger)
{
    /// <summary>A storm of changes must not become a storm of beats.</summary>
    private static readonly TimeSpan ClosestTogether = TimeSpan.FromMilliseconds(100);

    /// <summary>How soon a change of hour class or configuration is noticed in a long wait.</summary>
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(1);

    /// <summary>Answers to older beats say nothing any more: the lease they asked for is over.</summary>
    private const int RememberedBeats = 64;

    private readonly IBeatContributor[] _contributors = [.. contributors];
    private readonly ILeaseListener[] _listeners = [.. listeners];
    private readonly ConcurrentDictionary<long, (long SentAt, TimeSpan Promise)> _sent = new();
    private readonly HashSet<IBeatContributor> _failing = []; // Said once each.
    private readonly CpuMeter _cpu = new();
    private TimeSpan? _acknowledgedPromise;
    private long _acknowledgedSequence;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            trigger.Clear();
            var plan = await SendAsync(cancellationToken);
            await WaitAsync(plan, cancellationToken);
        }
    }

    /// <summary>Called by the receiver of <c>down/ack</c>, one call at a time.</summary>
    public async Task OnAckAsync(DownAck ack, CancellationToken cancellationToken)
    {
        if (ack.BeatSequence is not { } sequence || ack.BootId != state.BootId || !_sent.TryGetValue(sequence, out var beat))
        {
            return;
        }

        if (sequence > _acknowledgedSequence)
        {
            (_acknowledgedSequence, _acknowledgedPromise) = (sequence, beat.Promise);
        }

        foreach (var listener in _listeners)
        {
            listener.OnMirrors(ack.Mirrors);
        }

        foreach (var grant in ack.Leases)
        {
            await epochs.SeeAsync(grant.System, grant.Epoch, cancellationToken);
            foreach (var listener in _listeners)
            {
                listener.OnLease(grant, beat.SentAt);
            }
        }
    }

    private async Task<BeatPlan> SendAsync(CancellationToken cancellationToken)
    {
        var draft = new BeatDraft();
        foreach (var contributor in _contributors)
        {
            try
            {
                contributor.Contribute(draft);
                _failing.Remove(contributor);
            }
            catch (Exception exception) when (exception.MayPass())
            {
                // A part that cannot say how it is must not make the whole device look dead.
                if (_failing.Add(contributor))
                {
                    LogContributorFailed(exception, contributor.GetType().Name);
                }
            }
        }

        var now = time.GetUtcNow();
        var config = state.Config;
        var load = draft.Load with { Cpu = _cpu.Read() };
        var hourClass = new BusyCalendar(config).At(now);
        var shortest = BeatSchedule.Target(config, HourClass.Busy, new LoadReport());
        var plan = BeatSchedule.Next(BeatSchedule.Target(config, hourClass, load), _acknowledgedPromise, shortest, hourClass, Random.Shared.NextDouble());
        var sequence = state.NextBeatSequence();

        // Taken before the send: a lease must never be counted from later than the control plane can have seen it asked.
        _sent[sequence] = (time.GetTimestamp(), plan.Promise);
        _sent.TryRemove(sequence - RememberedBeats, out _);
        var beat = new Beat
        {
            Sequence = sequence,
            BootId = state.BootId,
            DeviceEpoch = state.DeviceEpoch,
            NextDueMs = (int)plan.Promise.TotalMilliseconds,
            HourClass = hourClass,
            SentAt = now,
            Load = load,
            Reach = draft.Reach,
            Systems = draft.Systems,
            Volumes = draft.Volumes,
            Leases = draft.Leases,
            Test = state.TestAt(time),
        };
        await connection.PublishAsync(OutboundMessage.Of(Topics.Up(options.Device, UpChannel.Beat), beat, MqttJson.Default.Beat, atLeastOnce: false), cancellationToken);
        LogBeat(sequence, beat.NextDueMs);
        return plan;
    }

    private async Task WaitAsync(BeatPlan plan, CancellationToken cancellationToken)
    {
        var start = time.GetTimestamp();
        var config = state.Config;
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var wanted = trigger.WaitAsync(ending.Token);
        try
        {
            while (true)
            {
                var left = plan.Wait - time.GetElapsedTime(start);
                if (left <= TimeSpan.Zero)
                {
                    return;
                }

                var delay = Task.Delay(left < LookAgain ? left : LookAgain, time, ending.Token);
                if (await Task.WhenAny(delay, wanted) == wanted)
                {
                    await wanted;
                    var early = ClosestTogether - time.GetElapsedTime(start);
                    if (early > TimeSpan.Zero)
                    {
                        await Task.Delay(early, time, cancellationToken);
                    }

                    return;
                }

                await delay;
                // A shorter period takes effect at once, not after the long wait that was promised.
                var changed = state.Config != config || new BusyCalendar(state.Config).At(time.GetUtcNow()) != plan.HourClass;
                if (changed)
                {
                    return;
                }
            }
        }
        finally
        {
            await ending.CancelAsync();
            try
            {
                await wanted;
            }
            catch (OperationCanceledException)
            {
                // Not wanted after all.
            }
        }
    }

    [LoggerMessage(1622, LogLevel.Error, "Beats go without what {Part} has to say: it fails")]
    private partial void LogContributorFailed(Exception exception, string part);

    [LoggerMessage(1621, LogLevel.Trace, "Beat {Sequence}, next within {NextDueMs} ms")]
    private partial void LogBeat(long sequence, int nextDueMs);
}
