using Dr.Edge.Hosting;
using Dr.Edge.Link;
using Dr.Edge.Volumes;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Replication.Leases;

/// <summary>
/// A primary that the control plane does not answer, and that reaches every one of its copies, goes on serving by their promises (systems with <c>replicaLease: true</c>): each has seen no higher epoch and stays a copy
/// until then. One copy that does not answer, or none configured, and the lease lapses as it always does. The control plane is told only that it may be so (<see cref="LeaseRequest.Extendable"/>), and then concludes nothing from a lapsed lease: the copy that it promotes refuses until its promise has ended.
/// </summary>
internal sealed partial class ReplicaLeaseService(VolumeSet volumes, CopyService copies, EdgeConfig config, IEnumerable<ILeaseListener> listeners, TimeProvider time, ILogger<ReplicaLeaseService> logger) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(250);

    /// <summary>As long as the control plane's usual lease.</summary>
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(6);

    /// <summary>With less than this left the control plane is late: beats come every second or two.</summary>
    private static readonly TimeSpan AskWhenLeft = TimeSpan.FromSeconds(4);

    private readonly HashSet<SystemId> _extended = [];
    private readonly HashSet<SystemId> _failing = []; // Said once each.

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var systems = config.Systems.Where(s => s is { Lease: true, ReplicaLease: true, Volume: not null }).ToArray();
        if (systems.Length == 0)
        {
            return;
        }

        using var timer = new PeriodicTimer(Period, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            foreach (var system in systems)
            {
                try
                {
                    if (volumes.Find(system.Volume!) is { Role: VolumeRole.Primary } volume)
                    {
                        Extend(system.SystemId, volume);
                    }

                    _failing.Remove(system.SystemId);
                }
                catch (Exception exception) when (exception.MayPass())
                {
                    // Not extended is the safe side: the lease lapses as it always does.
                    if (_failing.Add(system.SystemId))
                    {
                        LogFailed(system.SystemId, exception);
                    }
                }
            }
        }
    }

    /// <summary>One look at one system.</summary>
    internal void Extend(SystemId system, Volume volume)
    {
        var held = copies.Of(volume).ToArray();
        var now = time.GetTimestamp();
        var deadline = volume.Gate.LeaseDeadline is { } at && at > now ? at : now;
        var late = time.GetElapsedTime(now, deadline) < AskWhenLeft;
        foreach (var copy in held)
        {
            copy.Vows.Want(late ? Duration : null);
        }

        if (!late || held.Length == 0 || held.Min(c => c.Vows.Until) is var until && (until <= deadline || until <= now))
        {
            if (!late && _extended.Remove(system))
            {
                LogBack(system);
            }

            return;
        }

        volume.Gate.ExtendLease(until);
        if (_extended.Add(system))
        {
            LogExtended(system, held.Length);
        }

        // The host role on this machine stops its components when their lease ends: it has to know that it has not.
        var grant = new LeaseGrant { System = system, Epoch = volume.Epoch, Granted = true, Ttl = Duration };
        var sentAt = until - (long)(Duration.TotalSeconds * time.TimestampFrequency);
        foreach (var listener in listeners.Where(l => l is not LeaseKeeper))
        {
            listener.OnLease(grant, sentAt);
        }
    }

    [LoggerMessage(1431, LogLevel.Warning, "System {System}: the control plane does not answer; it serves on by the promise of its {Copies} copies")]
    private partial void LogExtended(SystemId system, int copies);

    [LoggerMessage(1438, LogLevel.Error, "System {System}: its lease could not be extended by its copies' promises; it is tried again")]
    private partial void LogFailed(SystemId system, Exception exception);

    [LoggerMessage(1432, LogLevel.Information, "System {System}: the control plane grants its lease again")]
    private partial void LogBack(SystemId system);
}
