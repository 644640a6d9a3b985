using Dr.Contracts.Errors;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Edge.Volumes;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dr.Edge.Tests.Volumes.PowerCut;

/// <summary>A random life of several volumes, all of it from a seed; what was asked and answered when is in <see cref="Volumes"/>, what reached the disk in <see cref="Trace"/>.</summary>
internal sealed class Workload : IDisposable
{
    private const int BlockBytes = 4096;
    private const int StartBlocks = 32;
    private const int MaxPoints = 9;
    private readonly Random _random;
    private readonly bool _bulky;
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private VolumeSet _set = null!;
    private VolumeHistory? _interrupted;
    private int _number;

    public Workload(int seed, Sabotage sabotage, string directory)
    {
        _random = new Random(seed);
        _bulky = seed % 3 == 0;
        Recorder = new TraceRecorder(directory, sabotage) { WhileFlushing = MeanwhileWrite };
        Directory = directory;
    }

    public string Directory { get; }

    public TraceRecorder Recorder { get; }

    public SteppingTime Time { get; } = new();

    public IReadOnlyList<TraceEvent> Trace => Recorder.Events;

    public List<VolumeHistory> Volumes { get; } = [];

    /// <summary>What was done, for people.</summary>
    public List<(int Begun, string Text)> Log { get; } = [];

    private int Now => Recorder.Count;

    public void Run(int steps)
    {
        _set = VolumeSet.Open(Directory, Time, Recorder, NullLogger.Instance, TimeSpan.Zero);
        _set.MergeSliceBytes = 3 * BlockBytes;
        Make("v", () => _set.Create("v", StartBlocks * BlockBytes), new byte[StartBlocks * BlockBytes]);
        Make("r", () => _set.CreateReplica(VolumeId.New(), "r", StartBlocks * BlockBytes), new byte[StartBlocks * BlockBytes]);
        for (var step = 0; step < steps; step++)
        {
            Step();
            _set.Maintenance.DrainAsync().Wait();
        }
    }

    public void Dispose()
    {
        Recorder.WhileFlushing = null;
        _set?.Dispose();
    }

    private void Step()
    {
        Time.Step();
        _number++;
        var writable = Volumes.Where(v => v.Deleted is null && v.Name != "r" && v.Name != "tail").ToList();
        var some = _random.Next(3) > 0 ? writable[0] : writable[_random.Next(writable.Count)];
        var live = Volumes[0];
        switch (_random.Next(100))
        {
            case < 30: Write(some, flush: false); break;
            case < 39: Write(some, flush: true); break;
            case < 45: Trim(some); break;
            case < 53: Flush(some); break;
            case < 64: TakePoint(some); break;
            case < 73: DeletePoint(some); break;
            case < 77: Clone(live); break;
            case < 79: DeleteClone(); break;
            case < 82: Restore(live); break;
            case < 84: Resize(some); break;
            case < 91: Stream(live); break;
            case < 95: Delta(live); break;
            case < 98: ChangeRoles(live); break;
            default: Diverge(); break;
        }
    }

    private void Make(string name, Func<Volume> make, byte[] content)
    {
        Note($"make {name}");
        var history = new VolumeHistory(name, new Span(Now));
        var volume = make();
        history.Change(history.Made.Begun, content, Time.GetUtcNow());
        history.Roles.Add((history.Made, volume.Role, volume.Epoch));
        history.Sizes.Add((history.Made, content.Length));
        history.Made.Answered = Now;
        history.Flushes.Add((Now, 0));
        Volumes.Add(history);
    }

    private void Write(VolumeHistory history, bool flush)
    {
        var length = 1 + _random.Next(_random.Next(4) == 0 ? 40_000 : 8000);
        var offset = _random.Next(history.Content.Length);
        if (_random.Next(2) == 0)
        {
            offset &= ~(BlockBytes - 1);
            length = (length + BlockBytes - 1) & ~(BlockBytes - 1);
        }

        length = Math.Min(length, history.Content.Length - offset);
        var data = new byte[length];
        _random.NextBytes(data);
        Note($"write {history.Name} {offset}+{length}{(flush ? " through" : "")}");
        byte[] after = [.. history.Content];
        data.CopyTo(after, offset);
        Apply(history, after, volume => volume.Write([new WriteExtent(offset, length, ExtentKind.Data, data)], flush), flush);
    }

    private void Trim(VolumeHistory history)
    {
        var offset = _random.Next(history.Content.Length);
        var length = Math.Min(1 + _random.Next(60_000), history.Content.Length - offset);
        Note($"trim {history.Name} {offset}+{length}");
        byte[] after = [.. history.Content];
        after.AsSpan(offset, length).Clear();
        Apply(history, after, volume => volume.Write([new WriteExtent(offset, length, ExtentKind.Zero, default)], forceUnitAccess: false), flush: false);
    }

    private void Apply(VolumeHistory history, byte[] after, Action<Volume> write, bool flush)
    {
        // The version is there before the call: with FUA a flush happens inside, and others write meanwhile.
        var before = history.Content;
        history.Change(Now, after, Time.GetUtcNow());
        var version = history.Versions.Count - 1;
        try
        {
            _interrupted = history;
            write(_set.Get(history.Name));
        }
        catch (BlockDeviceException)
        {
            history.Versions.RemoveAt(version);
            history.Content = before;
            return;
        }
        finally
        {
            _interrupted = null;
        }

        if (flush)
        {
            history.Flushes.Add((Now, version));
        }
    }

    private void Flush(VolumeHistory history)
    {
        Note($"flush {history.Name}");
        Sure(history, volume => volume.Flush());
    }

    /// <summary>Something that makes all writes before it durable.</summary>
    private void Sure(VolumeHistory history, Action<Volume> action)
    {
        var version = history.Versions.Count - 1;
        _interrupted = history;
        action(_set.Get(history.Name));
        _interrupted = null;
        history.Flushes.Add((Now, version));
    }

    /// <summary>Another client writes while a flush is under way on this thread, as far as the locks held now allow: below a flush of a layer or of the layers' directory.</summary>
    private void MeanwhileWrite(string path)
    {
        if (_interrupted is not { } history || Environment.CurrentManagedThreadId != _thread || !(path.EndsWith(".log", StringComparison.Ordinal) || path.EndsWith("/layers", StringComparison.Ordinal)))
        {
            return;
        }

        _interrupted = null;
        for (var count = _random.Next(3); count > 0; count--)
        {
            var block = _random.Next(history.Content.Length / BlockBytes);
            var data = new byte[BlockBytes];
            _random.NextBytes(data);
            Note($"  meanwhile write {history.Name} block {block}");
            byte[] after = [.. history.Content];
            data.CopyTo(after, block * BlockBytes);
            Apply(history, after, volume => volume.Write([new WriteExtent(block * BlockBytes, BlockBytes, ExtentKind.Data, data)], forceUnitAccess: false), flush: false);
        }

        _interrupted = history;
    }

    private void TakePoint(VolumeHistory history)
    {
        if (history.Points.Count(point => point.Deleted is null) >= MaxPoints)
        {
            DeletePoint(history);
        }

        Note($"point {history.Name}");
        var made = new Span(Now);
        PointInfo info = null!;
        Sure(history, volume => info = volume.CreatePoint($"p{_number}", PointConsistency.Crash, _bulky ? new string('x', 9000) : null));
        AddPoint(history, info, made);
    }

    private void AddPoint(VolumeHistory history, PointInfo info, Span made)
    {
        made.Answered = Now;
        history.Points.Add(new PointHistory(info, HashAt(history.Name, info.Id), made));
        Note($"  is {info.Id} at {info.Sequence}");
    }

    private ulong HashAt(string name, PointId point)
    {
        using var view = _set.Get(name).OpenView(point);
        return VolumeHistory.HashOf(StoreFixture.ReadAll(view));
    }

    private void DeletePoint(VolumeHistory history)
    {
        var points = history.Points.Where(point => point.Deleted is null).ToList();
        if (points.Count == 0)
        {
            return;
        }

        var victim = points[_random.Next(3) == 0 ? _random.Next(points.Count) : 0];
        Note($"delete point {victim.Info.Id} of {history.Name}");
        var deleted = new Span(Now);
        try
        {
            _set.Get(history.Name).DeletePoint(victim.Info.Id);
        }
        catch (DrException)
        {
            return; // A clone stands on it.
        }

        deleted.Answered = Now;
        victim.Deleted = deleted;
    }

    private void Clone(VolumeHistory parent)
    {
        var points = parent.Points.Where(point => point.Deleted is null).ToList();
        if (points.Count == 0 || Volumes.Count(v => v.Deleted is null) > 4)
        {
            return;
        }

        var point = points[_random.Next(points.Count)];
        using var view = _set.Get(parent.Name).OpenView(point.Info.Id);
        var content = StoreFixture.ReadAll(view);
        Make($"c{_number}", () => _set.CreateClone(_set.Get(parent.Name), point.Info.Id, $"c{_number}"), content);
    }

    private void DeleteClone()
    {
        if (Volumes.Find(v => v.Deleted is null && v.Name.StartsWith('c')) is { } clone)
        {
            Delete(clone);
        }
    }

    private void Delete(VolumeHistory history)
    {
        Note($"delete {history.Name}");
        history.Deleted = new Span(Now);
        _set.Delete(history.Name);
        history.Deleted.Answered = Now;
    }

    private void Restore(VolumeHistory history)
    {
        var points = history.Points.Where(point => point.Deleted is null).ToList();
        if (points.Count == 0 || points.Count >= MaxPoints)
        {
            return;
        }

        var target = points[_random.Next(points.Count)];
        Note($"restore {history.Name} to {target.Info.Id}");
        byte[] after;
        using (var view = _set.Get(history.Name).OpenView(target.Info.Id))
        {
            after = StoreFixture.ReadAll(view);
        }

        Array.Resize(ref after, history.Content.Length);
        var made = new Span(Now);
        history.Change(Now, after, Time.GetUtcNow());
        history.Restores.Add(history.Versions.Count - 1);
        PointInfo before = null!;
        Sure(history, volume => before = volume.Restore(target.Info.Id, default, null, CancellationToken.None));
        AddPoint(history, before, made);
    }

    private void Resize(VolumeHistory history)
    {
        if (history.Content.Length >= StartBlocks * BlockBytes * 2)
        {
            return;
        }

        var after = history.Content;
        Array.Resize(ref after, history.Content.Length + ((1 + _random.Next(4)) * BlockBytes));
        Note($"resize {history.Name} to {after.Length}");
        var span = new Span(Now);
        history.Sizes.Add((span, after.Length));
        _set.Get(history.Name).Resize(after.Length);
        span.Answered = Now;
        history.Content = after;
    }

    private void Note(string text) => Log.Add((Now, text));

    // --- The copy and its roles -------------------------------------------------------------------------------------------------------

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
    }

    private void ChangeCopyRole(VolumeRole role, Epoch epoch, Action<Epoch> change)
    {
        var span = new Span(Now);
        CopyHistory.Roles.Add((span, role, epoch));
        change(epoch);
        span.Answered = Now;
    }
}
