using Dr.Contracts.Errors;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Edge.Volumes;

namespace Dr.Edge.Tests.Volumes.PowerCut;

/// <content>The copy and its roles.</content>
internal sealed partial class Workload
{
    private VolumeHistory CopyHistory => Volumes[1];

    private Volume Copy => _set.Get("r");

    private void Copied(int begun) => CopyHistory.Change(begun, StoreFixture.ReadAll(Copy), Time.GetUtcNow());

    private void Stream(VolumeHistory source)
    {
        if (source.Content.Length != CopyHistory.Content.Length)
        {
            return;
        }

        var copy = Copy;
        Note($"stream {source.Name} to r from {copy.Appended}");
        using var reader = _set.Get(source.Name).ReadJournal(copy.Appended);
        for (var count = 1 + _random.Next(6); count > 0 && reader.TryRead(out var item) == JournalStatus.Item; count--)
        {
            if (item is JournalItem.Batch batch)
            {
                var begun = Now;
                try
                {
                    copy.AppendReplica(batch.Bytes);
                }
                catch (DrException)
                {
                    return; // The copies differ since a promotion; a delta brings them together.
                }

                Copied(begun);
            }
            else if (item is JournalItem.Point { Info: var info } && CopyHistory.Points.TrueForAll(point => point.Info.Id != info.Id || point.Deleted is not null))
            {
                var made = new Span(Now);
                Sure(CopyHistory, volume => volume.SealReplica(info));
                AddPoint(CopyHistory, info, made);
            }
        }

        if (_random.Next(2) == 0)
        {
            Flush(CopyHistory);
        }

        while (CopyHistory.Points.Count(point => point.Deleted is null) > MaxPoints)
        {
            DeletePoint(CopyHistory);
        }
    }

    private void Delta(VolumeHistory sourceHistory)
    {
        var source = _set.Get(sourceHistory.Name);
        var copy = Copy;
        if (source.Points.Count == 0 || source.SizeBytes != copy.SizeBytes)
        {
            return;
        }

        var target = source.Points[^1];
        var from = copy.Points.Count > 0 && copy.Points[^1].Sequence == copy.Appended && source.Points.Any(p => p.Id == copy.Points[^1].Id) ? copy.Points[^1].Id : (PointId?)null;
        if (from == target.Id || copy.Points.Any(p => p.Id == target.Id) || copy.Role != VolumeRole.Replica)
        {
            return;
        }

        Note($"delta to r from {from} to {target.Id}");
        if (copy.Staged is { } staged && (staged.BasePoint != from || staged.Target != target.Id))
        {
            CopyHistory.Staged.Add((new Span(Now), default, null));
        }

        using var view = source.OpenView(target.Id);
        using var staging = copy.OpenStaging(from, target);
        var stop = _random.Next(4) == 0;
        foreach (var range in source.ChangedBlocks(from, target.Id))
        {
            var data = new byte[range.Count * BlockBytes];
            view.Read(range.First * BlockBytes, data);
            staging.WriteBlocks(range.First, data);
            var mark = new Span(Now);
            staging.Flush(range.First + 1);
            mark.Answered = Now;
            CopyHistory.Staged.Add((mark, target.Id, range.First + 1));
            if (stop && _random.Next(2) == 0)
            {
                return;
            }
        }

        var begun = new Span(Now);
        CopyHistory.Staged.Add((begun, target.Id, null));
        staging.Commit(source.ContentDigest(target.Id), source.Generations);
        Copied(begun.Begun);
        CopyHistory.Flushes.Add((Now, CopyHistory.Versions.Count - 1));
        begun.Answered = Now;
        if (from is null)
        {
            Gone(CopyHistory, _ => true, begun);
        }

        AddPoint(CopyHistory, target, new Span(begun.Begun));
        Count("delta");
    }

    private static void Gone(VolumeHistory history, Predicate<PointHistory> which, Span span)
    {
        foreach (var point in history.Points.Where(point => point.Deleted is null && which(point)))
        {
            point.Deleted = span;
        }
    }

    private void ChangeRoles(VolumeHistory history)
    {
        var volume = _set.Get(history.Name);
        var epoch = volume.Epoch.Next;
        Note($"demote {history.Name} at {epoch}, promote at {epoch.Next}");
        var demoted = new Span(Now);
        history.Roles.Add((demoted, VolumeRole.Demoted, epoch));
        PointInfo final = null!;
        Sure(history, _ => final = volume.Demote(epoch));
        AddPoint(history, final, demoted);
        var promoted = new Span(Now);
        history.Roles.Add((promoted, VolumeRole.Primary, epoch.Next));
        volume.Promote(epoch.Next);
        promoted.Answered = Now;
        Settle();
        while (history.Points.Count(point => point.Deleted is null) > MaxPoints + 1)
        {
            DeletePoint(history);
        }
    }

    /// <summary>The copy is promoted by mistake, takes a write, and comes back; its tail is kept as a clone.</summary>
    private void Diverge()
    {
        var copy = Copy;
        if (copy.Points.Count == 0 || copy.Points[^1].Sequence != copy.Appended)
        {
            return;
        }

        if (Volumes.Find(v => v.Name == "tail" && v.Deleted is null) is { } old)
        {
            Delete(old);
        }

        Note("r diverges and comes back");
        var common = copy.Appended;
        var before = CopyHistory.Content;
        CopyHistory.Staged.Add((new Span(Now), default, null));
        ChangeCopyRole(VolumeRole.Primary, copy.Epoch.Next, epoch => copy.Promote(epoch));
        Write(CopyHistory, flush: true);
        ChangeCopyRole(VolumeRole.Demoted, copy.Epoch.Next, epoch => copy.SeeEpoch(epoch));
        ChangeCopyRole(VolumeRole.Replica, copy.Epoch, epoch => copy.BecomeReplica(epoch));
        var tail = new VolumeHistory("tail", new Span(Now)) { Filled = new Span(Now) };
        var kept = CopyHistory.Content;
        CopyHistory.Change(Now, before, Time.GetUtcNow());
        copy.RewindTo(common, "tail");
        Settle();
        CopyHistory.Flushes.Add((Now, CopyHistory.Versions.Count - 1));
        tail.Change(tail.Made.Begun, kept, Time.GetUtcNow());
        tail.Flushes.Add((Now, 0));
        tail.Made.Answered = Now;
        tail.Filled.Answered = Now;
        tail.Sizes.Add((tail.Made, kept.Length));
        tail.Roles.Add((tail.Made, VolumeRole.Primary, Epoch.First));
        foreach (var point in _set.Get("tail").Points)
        {
            AddPoint(tail, point, new Span(tail.Made.Begun));
        }

        Volumes.Add(tail);
        Count("divergence");
    }

    private void ChangeCopyRole(VolumeRole role, Epoch epoch, Action<Epoch> change)
    {
        var span = new Span(Now);
        CopyHistory.Roles.Add((span, role, epoch));
        change(epoch);
        span.Answered = Now;
        Settle();
    }
}
