using Dr.Contracts.Errors;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Edge.Volumes;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dr.Edge.Tests.Volumes.PowerCut;

/// <summary>A random life of several volumes, all of it from a seed; what was asked and answered when is in <see cref="Volumes"/>, what reached the disk in <see cref="Trace"/>.</summary>
internal sealed partial class Workload : IDisposable
{
    private const int BlockBytes = 4096;
    private const int StartBlocks = 32;
    private const int MaxPoints = 9;

    /// <summary>Every so many steps something is done that this life has not had yet: with none of it left to luck, few lives are enough.</summary>
    private const int RareSteps = 4;
    private readonly Random _random;
    private readonly bool _bulky;
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private VolumeSet _set = null!;
    private VolumeHistory? _interrupted;
    private int _number;

    public Workload(int seed, Sabotage sabotage, string directory)
    {
        _random = new Random(seed);
        _away = new Random(seed * 7919);
        _bulky = seed % 3 == 0;
        Recorder = new TraceRecorder(directory, sabotage) { WhileFlushing = MeanwhileWrite };
        Directory = directory;
        (ImagePath, Image) = MakeImage(Path.Combine(Path.GetDirectoryName(directory)!, "image.raw"));
    }

    public string Directory { get; }

    public TraceRecorder Recorder { get; }

    public SteppingTime Time { get; } = new();

    public IReadOnlyList<TraceEvent> Trace => Recorder.Events;

    public List<VolumeHistory> Volumes { get; } = [];

    /// <summary>What was done, for people.</summary>
    public List<(int Begun, string Text)> Log { get; } = [];

    /// <summary>How often what was done: what a run never did it has not tested.</summary>
    public Dictionary<string, int> Done { get; } = [];

    private int Now => Recorder.Count;

    public void Run(int steps)
    {
        _set = VolumeSet.Open(Directory, Time, Recorder, NullLogger.Instance, TimeSpan.Zero);
        _set.MergeSliceBytes = 3 * BlockBytes;
        Make("v", () => _set.Create("v", StartBlocks * BlockBytes), new byte[StartBlocks * BlockBytes]);
        Make("r", () => _set.CreateReplica(VolumeId.New(), "r", StartBlocks * BlockBytes), new byte[StartBlocks * BlockBytes]);
        Make("g", () => _set.Create("g", StartBlocks * BlockBytes), new byte[StartBlocks * BlockBytes]);
        Make("i", () => _set.Create("i", StartBlocks * BlockBytes), new byte[StartBlocks * BlockBytes]);
        Volumes[^1].Image = (ImagePath, Image);
        for (var step = 0; step < steps; step++)
        {
            Step();
            Settle();
            KeepMap(Volumes[0]);
            Settle();
            CountCompacted();
            CountOutlived(Volumes[0]);
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
        var writable = Volumes.Where(v => v.Deleted is null && v.Name is not ("r" or "tail" or "i")).ToList();
        var some = _random.Next(3) > 0 ? writable[0] : writable[_random.Next(writable.Count)];
        var live = Volumes[0];
        if (_number % RareSteps == 0 && Kinds.Where(kind => !Done.ContainsKey(kind)).ToList() is { Count: > 0 } missing)
        {
            DoRare(missing[_number / RareSteps % missing.Count], live, some);
            return;
        }

        switch (_random.Next(124))
        {
            case >= 120: TakeGroup(live, Volumes[2]); break;
            case >= 116: HoldOrRelease(some); break;
            case >= 110: Import(Volumes[3]); break;
            case >= 107: Undo(live); break;
            case >= 105: CancelRestore(live); break;
            case >= 100: DeleteMiddlePoint(some); break;
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
        history.Folder = $"volumes/{volume.Id}";
        history.Change(history.Made.Begun, content, Time.GetUtcNow());
        history.Roles.Add((history.Made, volume.Role, volume.Epoch));
        history.Sizes.Add((history.Made, content.Length));
        history.Made.Answered = Now;
        history.Flushes.Add((Now, 0));
        Volumes.Add(history);
        Settle();
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
        Settle();
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
        Settle();
        history.Points.Add(new PointHistory(info, HashAt(history.Name, info.Id), made));
        Note($"  is {info.Id} at {info.Sequence}");
    }

    private ulong HashAt(string name, PointId point)
    {
        using var view = _set.Get(name).OpenView(point);
        return VolumeHistory.HashOf(StoreFixture.ReadAll(view));
    }

    private static List<PointHistory> PointsOf(VolumeHistory history) => [.. history.Points.Where(point => point.Deleted is null)];

    private void DeletePoint(VolumeHistory history)
    {
        if (PointsOf(history) is { Count: > 0 } points)
        {
            Delete(history, points[_random.Next(3) == 0 ? _random.Next(points.Count) : 0]);
        }
    }

    private void Delete(VolumeHistory history, PointHistory victim)
    {
        Note($"delete point {victim.Info.Id} of {history.Name}");
        var deleted = new Span(Now);
        try
        {
            _set.Get(history.Name).DeletePoint(victim.Info.Id);
        }
        catch (DrException)
        {
            return; // A clone stands on it, or it is held.
        }

        deleted.Answered = Now;
        victim.Deleted = deleted;
        Settle();
    }

    /// <summary>What goes on in the background ends before the next thing is begun, so that a seed always gives the same life.</summary>
    private void Settle() => _set.Maintenance.DrainAsync().Wait();

    private void Note(string text) => Log.Add((Now, text));

    private void Count(string kind) => Done[kind] = Done.GetValueOrDefault(kind) + 1;
}
