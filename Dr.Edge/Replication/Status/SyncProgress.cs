using Dr.Edge.Cli;
using Dr.Edge.Volumes;

namespace Dr.Edge.Replication.Status;

/// <summary>Waits until copies have caught up and says how far they are meanwhile.</summary>
internal static class SyncProgress
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(200);

    public static SequenceNumber Wait(CopyService copies, Volume volume, string? peer, bool first, Action<ControlProgress> progress, CancellationToken cancellationToken)
    {
        var waiting = copies.SyncAsync(volume, peer, first, cancellationToken);
        var watched = copies.Of(volume).Where(c => peer is null || c.Settings.Peer == peer).ToArray();
        long most = 0;
        while (Task.WaitAny([waiting], (int)LookEvery.TotalMilliseconds, cancellationToken) < 0)
        {
            var (step, left) = Left([.. watched.Select(c => c.ToStatus())]);
            most = Math.Max(most, left);
            progress(new ControlProgress { Step = step, DoneBytes = most - left, TotalBytes = most });
        }

        return waiting.GetAwaiter().GetResult();
    }

    /// <summary>What the copies have still to look at or to get, and what the one that has most is doing.</summary>
    private static (string Step, long Bytes) Left(IReadOnlyList<CopyStatus> copies)
    {
        static long Of(CopyStatus copy) => copy.WorkTotalBytes > 0 ? copy.WorkTotalBytes - copy.WorkDoneBytes : copy.LagBytes;
        var last = copies.MaxBy(Of);
        var step = last?.State switch
        {
            CopyState.Seeding => "first copy",
            CopyState.Connecting => "waiting for the peer",
            _ => "catching up",
        };
        return (step, copies.Sum(Of));
    }
}
