using Dr.Edge.Host.Quiesce;
using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Groups;

namespace Dr.Edge.Volumes;

/// <content>Points of several volumes at one instant.</content>
internal sealed partial class Volume
{
    /// <summary>
    /// One point on each volume, of one instant: while the heads are swapped no volume of the group appends, so that no write which was answered before on one is missing where a later one on another is in.
    /// Durable on return, in the order given.
    /// <para>Locks: all sync locks, then all append locks, clones before what they were made of and otherwise by id, so that two groups never wait for each other.</para>
    /// </summary>
    /// <exception cref="DrException">One of them cannot take a point now; none has one then, or those that were already recorded were taken back as far as that was possible.</exception>
    internal static IReadOnlyList<PointInfo> CreateGroup(IReadOnlyList<GroupMember> members, string? label)
    {
        var cut = new GroupCut([.. members.OrderByDescending(m => m.Volume.Depth).ThenBy(m => m.Volume.Id.Guid)], label);
        try
        {
            foreach (var part in cut.Parts)
            {
                part.Volume.RequireFlushed(); // What the old head holds now need not be flushed while everybody waits.
                part.Next = part.Volume.PrepareHead();
            }

            LockAndTake(cut, 0);
        }
        finally
        {
            foreach (var part in cut.Parts.Where(part => part.Next is not null))
            {
                part.Volume.DropIfUnused(part.Next!);
            }
        }

        foreach (var part in cut.Parts)
        {
            part.Volume.RaiseStateChanged();
            part.Volume.PostSpare();
            part.Volume.PostMaintenance();
        }

        return [.. members.Select(member => cut.Parts.First(part => part.Volume == member.Volume).Point!)];
    }

    private int Depth => _originParent is null ? 0 : _originParent.Depth + 1;

    /// <summary>What is appended now is durable on this copy on return; unlike <see cref="Flush"/> that promises nothing to a client, so that a copy which no longer owns the volume can do it too.</summary>
    internal void RequireFlushed()
    {
        ThrowIfFailed();
        FlushUpTo(Volatile.Read(ref _appended));
    }

    private static void LockAndTake(GroupCut cut, int index)
    {
        if (index == cut.Parts.Count)
        {
            Take(cut);
            return;
        }

        var part = cut.Parts[index];
        lock (part.Volume._syncLock)
        {
            part.Volume.RequirePrimaryLocked();
            part.Volume.RequireRoomLocked(isPoint: true);
            part.Going = part.Volume.PointsThatGiveWayLocked();
            if (part.Volume.IsOutrunLocked(part.Next!))
            {
                part.Volume.DropIfUnused(part.Next!);
                part.Next = null; // Nothing to drop when the next line fails.
                part.Next = part.Volume.OpenNextHead(part.Volume.TakeLayerNumberLocked());
            }

            LockAndTake(cut, index + 1);
        }
    }

    /// <summary>Under all sync locks. From the swap on every volume must get its record, or stop: a failure of one must not keep the others from theirs.</summary>
    private static void Take(GroupCut cut)
    {
        var time = cut.Parts[0].Volume._context.Time;
        var started = time.GetTimestamp();
        Swap(cut, 0);
        StoreFaults.Pass(CrashPoints.PointHeadSwapped);
        List<Exception> failures = [];
        foreach (var part in cut.Parts)
        {
            try
            {
                var volume = part.Volume;
                volume.CompleteSwapLocked(part.Swap!, (state, sequence) =>
                {
                    var mark = part.Window is { } window ? QuiescedPoint.MarkOf(window) : null;
                    part.Point = volume.MakePoint(sequence, cut.At, cut.Label, mark?.Consistency ?? PointConsistency.Crash, cut.Group.Reason(mark?.Reason));
                    return state with { Points = [.. state.Points.Where(p => !part.Going.Contains(p.Id)), part.Point] };
                });
                part.IsRecorded = true;
                VolumeInstruments.Paused(volume.Name, part.Pause);
                VolumeInstruments.PointTaken(volume.Name, time.GetElapsedTime(started));
                StoreFaults.Pass(CrashPoints.GroupHalf);
            }
            catch (Exception exception) when (exception is DrException)
            {
                failures.Add(exception);
            }
        }

        if (failures.Count > 0)
        {
            TakeBack(cut);
            throw new DrException($"The group was not taken: {failures[0].Message}", "Nothing of it is kept. Mend the volume and try again.", failures[0]);
        }
    }

    private static void Swap(GroupCut cut, int index)
    {
        if (index == cut.Parts.Count)
        {
            foreach (var each in cut.Parts)
            {
                each.Swap = each.Volume.SwapHeadLocked(each.Next!);
            }

            // Not earlier than any write in it.
            cut.At = cut.Parts.Max(each => each.Volume.Now());
            return;
        }

        var part = cut.Parts[index];
        lock (part.Volume._appendLock)
        {
            var locked = part.Volume._context.Time.GetTimestamp();
            Swap(cut, index + 1);
            part.Pause = part.Volume._context.Time.GetElapsedTime(locked);
        }
    }

    private static void TakeBack(GroupCut cut)
    {
        foreach (var part in cut.Parts.Where(part => part.IsRecorded))
        {
            try
            {
                part.Volume.CommitLocked(part.Volume.State with { Points = [.. part.Volume.State.Points.Where(p => p.Id != part.Point!.Id)] });
            }
            catch (DrException)
            {
                // The point stays and is shown as part of a group that is not whole; why is told by the first failure.
            }
        }
    }

    private sealed class GroupCut(IReadOnlyList<GroupMember> members, string? label)
    {
        public string? Label { get; } = label;

        public PointGroup Group { get; } = new(Guid.NewGuid().ToString("N")[..16], members.Count);

        public IReadOnlyList<GroupPart> Parts { get; } = [.. members.Select(m => new GroupPart(m))];

        public DateTimeOffset At { get; set; }
    }

    private sealed class GroupPart(GroupMember member)
    {
        public Volume Volume { get; } = member.Volume;

        public IQuiesceWindow? Window { get; } = member.Window;

        public HashSet<PointId> Going { get; set; } = [];

        public NextHead? Next { get; set; }

        public HeadSwap? Swap { get; set; }

        public PointInfo? Point { get; set; }

        public bool IsRecorded { get; set; }

        /// <summary>How long the volume's writers were kept from its log.</summary>
        public TimeSpan Pause { get; set; }
    }
}
