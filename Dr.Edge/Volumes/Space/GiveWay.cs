using Dr.Edge.Volumes.Retention;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Volumes.Space;

/// <summary>
/// Lets the history of volumes whose policy says so give way while space is short: what has no reader any more moves into the base at once, then points go one by one, then even the log since the
/// last one. Each step is announced. Writers who found no space wait for a round and try again.
/// </summary>
internal sealed partial class GiveWay(VolumeSet set, ILogger logger) : IGivesWay, IDisposable
{
    /// <summary>A write waits so long at most; a client that waits longer takes the server for dead.</summary>
    public static readonly TimeSpan LongestStall = TimeSpan.FromSeconds(20);

    /// <summary>A log shorter than this is not worth moving.</summary>
    public const long LeastHeadBytes = 1 << 20;

    /// <summary>
    /// Points in the middle that go without freeing anything, because what their layers hold is nowhere written twice, or has no room to be merged. Then the oldest goes, whatever it is called: moving the
    /// oldest layer into the base needs next to no room.
    /// </summary>
    public const int MostInVain = 16;

    /// <summary>How often a step begins again because something was being read: who counts and looks without end must not end up keeping everything.</summary>
    private const int MostWaits = 20;

    private readonly SemaphoreSlim _wanted = new(0);
    private readonly Lock _lock = new(); // Guards _round and _stopped.
    private readonly HashSet<VolumeId> _exhausted = []; // Only the worker.
    private readonly Dictionary<VolumeId, int> _inVain = []; // Only the worker: points that went since something was freed last.
    private TaskCompletionSource _round = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _stopped;

    /// <summary>Completes when a writer found the disk full.</summary>
    public Task WantedAsync(CancellationToken cancellationToken) => _wanted.WaitAsync(cancellationToken);

    public bool WaitForSpace(Volume volume)
    {
        if (volume.WhenFull != FullPolicy.HistoryGivesWay)
        {
            return false;
        }

        Task round;
        lock (_lock)
        {
            if (_stopped)
            {
                return false;
            }

            round = _round.Task;
            if (_wanted.CurrentCount == 0)
            {
                _wanted.Release();
            }
        }

        // Blocking is the point: the thread belongs to the client whose write has to wait.
        return round.Wait(LongestStall) && !set.Space.IsFull;
    }

    /// <summary>One round over all volumes: makes space until there is enough or nothing more gives way. Returns true when anything gave way.</summary>
    public bool RunOnce(CancellationToken cancellationToken)
    {
        var gave = false;
        try
        {
            set.Space.Refresh();
            while (set.Space.IsShort && !cancellationToken.IsCancellationRequested && TakeStep())
            {
                gave = true;
                set.Space.Refresh();
            }
        }
        finally
        {
            EndRound();
        }

        return gave;
    }

    /// <summary>Nobody waits any more, now or later.</summary>
    public void Stop()
    {
        lock (_lock)
        {
            _stopped = true;
        }

        EndRound();
    }

    public void Dispose() => _wanted.Dispose();

    private void EndRound()
    {
        TaskCompletionSource round;
        lock (_lock)
        {
            (round, _round) = (_round, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        }

        round.SetResult();
    }

    private bool TakeStep()
    {
        var gave = false;
        foreach (var volume in set.Volumes.Where(volume => volume.WhenFull == FullPolicy.HistoryGivesWay && volume.Fault is null))
        {
            try
            {
                gave |= TakeStep(volume);
            }
            catch (Exception exception) when (exception.MayPass())
            {
                // Full to the last byte, failed or deleted meanwhile: the others may still have something to give.
                LogFailed(volume.Name, exception);
            }
        }

        return gave;
    }

    private bool TakeStep(Volume volume)
    {
        for (var waits = 0; ; waits++)
        {
            if (volume.AdvanceBase() > 0 || volume.Compact() > 0)
            {
                _exhausted.Remove(volume.Id);
                _inVain.Remove(volume.Id);
                return true;
            }

            // Points that went while a reader keeps everything where it is would go for nothing.
            if (!volume.IsHeldBriefly)
            {
                break;
            }

            if (waits == MostWaits || !volume.WaitForBriefHolds())
            {
                LogHeld(volume.Name);
                return false;
            }
        }

        var inVain = _inVain.GetValueOrDefault(volume.Id);
        if (GiveWayPlan.Next(volume.PointsThatMayGo(), PointKinds.IsAutomatic, oldestFirst: inVain >= MostInVain) is { } point && volume.DeletePoint(point.Id))
        {
            _inVain[volume.Id] = inVain + 1;
            LogPointGone(volume.Name, point.Id, point.At, point.Label, set.Space.Use.AvailableBytes);
            return true;
        }

        if (volume.SealForSpace(LeastHeadBytes))
        {
            LogHistoryGone(volume.Name, set.Space.Use.AvailableBytes);
            return true;
        }

        if (_exhausted.Add(volume.Id))
        {
            LogExhausted(volume.Name);
        }

        return false;
    }

    [LoggerMessage(1160, LogLevel.Warning, "The disk is nearly full ({AvailableBytes} bytes left): point {Point} of {Volume} ({At:O}, label {Label}) gave way")]
    private partial void LogPointGone(string volume, PointId point, DateTimeOffset at, string? label, long availableBytes);

    [LoggerMessage(1161, LogLevel.Warning, "The disk is nearly full ({AvailableBytes} bytes left): {Volume} has no points left that may go, and now gives up its history since the last one")]
    private partial void LogHistoryGone(string volume, long availableBytes);

    [LoggerMessage(1162, LogLevel.Error, "{Volume} has no history left that may give way: when the reserve is reached its writes are refused. Free space on this disk")]
    private partial void LogExhausted(string volume);

    [LoggerMessage(1164, LogLevel.Warning, "{Volume} could not let history give way yet: it is being read. A verification ends now; the next round tries again")]
    private partial void LogHeld(string volume);

    [LoggerMessage(1163, LogLevel.Warning, "{Volume} could not let history give way now")]
    private partial void LogFailed(string volume, Exception exception);
}
