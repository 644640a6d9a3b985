using Dr.Contracts.Errors;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Transfers;

namespace Dr.Edge.Tests.Volumes.Space;

/// <summary>
/// The disk is full at the worst moment for each file that the store writes. Whoever asked is told, nothing of what was refused is seen, the volume goes on (or says that it has stopped), and what the
/// next start finds is what was answered.
/// </summary>
public sealed class FullFileTests : IDisposable
{
    private const int Block = 4096;
    private const int SizeBytes = 256 * Block;
    private readonly FullFile _disk = new();
    private readonly StoreFixture _store;
    private readonly byte[] _content = new byte[SizeBytes];
    private readonly Dictionary<PointId, byte[]> _points = [];
    private readonly string _images = Directory.CreateTempSubdirectory("dr-images-").FullName;
    private Volume _volume;

    public FullFileTests()
    {
        _store = new StoreFixture(faults: _disk);
        _volume = _store.Set.Create("v", SizeBytes);
        _store.Set.MergeSliceBytes = 50_000;
        Write(0, 100);
        Point();
        Write(50, 100);
        Point();
        Write(20, 30);
        Point();
        Write(5, 5);
        _volume.Flush();
        Settle();
    }

    /// <param name="Answer">What whoever asked must get.</param>
    /// <param name="Files">Which files find no space.</param>
    private sealed record Case(string Name, Answer Answer, Func<FullFileTests, Predicate<string>> Files, Action<FullFileTests> Act);

    private enum Answer
    {
        /// <summary>An error; the volume goes on.</summary>
        Refused,

        /// <summary>Done: what has no space is made up for later.</summary>
        Done,

        /// <summary>An error, and the volume says that it has stopped.</summary>
        Stopped,
    }

    private static readonly Case[] Cases =
    [
        new("layer data", Answer.Refused, t => t.Head(), t => t.Write(7, 3)),
        new("layer data, written through", Answer.Refused, t => t.Head(), t => t.Write(7, 40, fua: true)),
        new("layer data, zeros", Answer.Refused, t => t.Head(), t => t.Zero(7, 9)),
        new("layer data, during a restore", Answer.Refused, t => EndsWith($"{t._volume.State.NextLayer}.log"), t => t.Restore()),
        new("next layer, made ahead", Answer.Done, t => EndsWith($"{t._volume.State.NextLayer + 1}.log"), t => t.Point()),
        new("next layer", Answer.Refused, t => EndsWith($"{t._volume.State.NextLayer + 1}.log"), t => t.TwoPoints()),
        new("layer index", Answer.Done, t => t.Head(), t => t.Point()),
        new("base.img", Answer.Done, _ => EndsWith("base.img"), t => t.DeleteOldest()),
        new("base.crc", Answer.Done, _ => EndsWith("base.crc"), t => t.DeleteOldest()),
        new("manifest, a point is deleted", Answer.Refused, _ => EndsWith("manifest"), t => t.DeleteOldest()),
        new("manifest, a point is held", Answer.Refused, _ => EndsWith("manifest"), t => t._volume.HoldPoint(t._points.Keys.Min(), "test")),
        new("manifest, once a point has swapped the head", Answer.Stopped, _ => EndsWith("manifest"), t => t.Point()),
        new("manifest's replacement", Answer.Done, _ => EndsWith("manifest.new"), t => t.FillManifest()),
        new("superblock", Answer.Stopped, _ => EndsWith("superblock"), t => t._volume.Promote(t._volume.Epoch.Next)),
        new("staging layer, made", Answer.Refused, t => t.IsReplica(), t => t.Stage()),
        new("staging layer, written", Answer.Refused, t => t.IsReplicaWritten(), t => t.Stage()),
        new("compacted layer", Answer.Done, t => EndsWith($"{t._volume.State.NextLayer}.log"), t => t.DeleteMiddle()),
        new("clone's files", Answer.Refused, _ => path => path.Contains("/.new-", StringComparison.Ordinal), t => t._store.Set.CreateClone(t._volume, t._points.Keys.Min(), "c")),
        new("volume's files", Answer.Refused, _ => path => path.Contains("/.new-", StringComparison.Ordinal), t => t._store.Set.Create("other", SizeBytes)),
        new("import's state", Answer.Refused, _ => path => path.Contains(ImageImport.StateName, StringComparison.Ordinal), t => t.Import()),
        new("import's volume", Answer.Refused, _ => EndsWith(".log"), t => t.Import()),
        new("export's file", Answer.Refused, _ => EndsWith(".part"), t => t.Export()),
        new("export's state", Answer.Refused, _ => path => path.Contains(".part.state", StringComparison.Ordinal), t => t.Export()),
        new("scrub's state", Answer.Done, _ => path => path.Contains("/scrub", StringComparison.Ordinal), t => t.Scrub()),
    ];

    public static TheoryData<string> Names => [.. Cases.Select(c => c.Name)];

    public void Dispose()
    {
        _disk.IsFull = null;
        _store.Dispose();
        Directory.Delete(_images, recursive: true);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Whichever_file_finds_no_space_whoever_asked_is_told_and_nothing_answered_is_lost(string name)
    {
        var it = Cases.Single(c => c.Name == name);
        _disk.IsFull = it.Files(this);
        var error = Record.Exception(() =>
        {
            it.Act(this);
            Settle();
        });
        (error is null).ShouldBe(it.Answer == Answer.Done, $"{error}");
        (error is null or DrException).ShouldBeTrue($"{error}");
        _disk.Refused.ShouldBeGreaterThan(0, "the disk was never met full");
        Check();
        _disk.IsFull = null;
        (_volume.Fault is not null).ShouldBe(it.Answer == Answer.Stopped, _volume.Fault);
        if (it.Answer == Answer.Stopped)
        {
            _volume.Gate.IsOpen.ShouldBeFalse();
            Should.Throw<BlockDeviceException>(() => Write(0, 1));
        }
        else
        {
            // It goes on, and what is done again is done.
            Write(200, 3, fua: true);
            if (error is not null)
            {
                it.Act(this);
            }

            _volume.PostMaintenance();
            Settle();
            Check();
        }

        _store.Crash();
        _volume = _store.Set.Get("v");
        _volume.Fault.ShouldBeNull();
        _store.Set.Damaged.ShouldBeEmpty();
        Settle();
        Check();
        foreach (var volume in _store.Set.Volumes)
        {
            new Verifier(volume, (_, _) => { }, CancellationToken.None).Run(null, null).Bad.ShouldBeEmpty();
        }
    }

    private void Check()
    {
        StoreFixture.ReadAll(_volume).AsSpan().SequenceEqual(_content).ShouldBeTrue("the present");
        foreach (var (point, content) in _points.Where(pair => _volume.Points.Any(point => point.Id == pair.Key)))
        {
            using var view = _volume.OpenView(point);
            StoreFixture.ReadAll(view).AsSpan().SequenceEqual(content).ShouldBeTrue($"point {point}");
        }
    }

    private Predicate<string> Head() => EndsWith($"/{_volume.State.Layers[^1].Number}.log");

    private static Predicate<string> EndsWith(string name) => path => path.EndsWith(name, StringComparison.Ordinal);

    private void Write(int block, int count, bool fua = false)
    {
        var data = StoreFixture.Pattern(count * Block, _content[0] + block);
        StoreFixture.Write(_volume, (long)block * Block, data, fua);
        data.CopyTo(_content, block * Block);
    }

    private void Zero(int block, int count)
    {
        StoreFixture.Zero(_volume, block * Block, (long)count * Block);
        _content.AsSpan(block * Block, count * Block).Clear();
    }

    private void Point()
    {
        var point = _volume.CreatePoint(null, PointConsistency.Crash, null);
        _points[point.Id] = [.. _content];
    }

    /// <summary>The first finds its file ready, the second does not.</summary>
    private void TwoPoints()
    {
        Point();
        Write(60, 2);
        Point();
    }

    private void Restore()
    {
        var point = _points.Keys.Min();
        _volume.Restore(point, default, null, CancellationToken.None);
        _points[point].CopyTo(_content, 0);
    }

    private void DeleteOldest()
    {
        _volume.DeletePoint(_volume.Points[0].Id);
        Settle();
    }

    private void DeleteMiddle()
    {
        _volume.DeletePoint(_volume.Points[1].Id);
        Settle();
    }

    private void FillManifest()
    {
        for (var i = 0; i < 400; i++)
        {
            _volume.HoldPoint(_volume.Points[0].Id, $"reason {i} {new string('x', 1000)}");
        }
    }

    private void Scrub()
    {
        var scrubber = new Dr.Edge.Volumes.Scrubbing.Scrubber(_store.Set, _store.Set.NewPacer(), TimeSpan.Zero, _disk, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        scrubber.Start(_volume);
        while (scrubber.Step(CancellationToken.None) && scrubber.Book(_volume).Cursor is not null)
        {
            // Until the pass is done.
        }
    }

    private Volume Replica() => _store.Set.Find("r") ?? _store.Set.CreateReplica(VolumeId.New(), "r", SizeBytes);

    private Predicate<string> IsReplica()
    {
        var id = Replica().Id.Value;
        return path => path.Contains(id, StringComparison.Ordinal) && path.EndsWith(".log", StringComparison.Ordinal);
    }

    private Predicate<string> IsReplicaWritten()
    {
        var isLog = IsReplica();
        var calls = 0;
        return path => isLog(path) && ++calls > 2;
    }

    private void Stage()
    {
        var target = _volume.Points[^1];
        using var view = _volume.OpenView(target.Id);
        using var staging = Replica().OpenStaging(null, target);
        foreach (var range in _volume.ChangedBlocks(null, target.Id))
        {
            var data = new byte[range.Count * Block];
            view.Read(range.First * Block, data);
            staging.WriteBlocks(range.First, data);
            staging.Flush(range.First);
        }

        staging.Commit(_volume.ContentDigest(target.Id), _volume.Generations);
        StoreFixture.ReadAll(Replica()).AsSpan().SequenceEqual(_points[target.Id]).ShouldBeTrue("the copy");
    }

    private void Import()
    {
        var image = Path.Combine(_images, "image.raw");
        File.WriteAllBytes(image, StoreFixture.Pattern(SizeBytes, 77));
        var volume = _store.Set.Find("imported") ?? Make();
        ImageImport.Run(volume, image, (_, _) => { }, CancellationToken.None, stepBytes: 40 * Block);
        StoreFixture.ReadAll(volume).AsSpan().SequenceEqual(StoreFixture.Pattern(SizeBytes, 77)).ShouldBeTrue("what was imported");
    }

    private Volume Make()
    {
        var full = _disk.IsFull;
        _disk.IsFull = null;
        var volume = _store.Set.Create("imported", SizeBytes);
        _disk.IsFull = full;
        return volume;
    }

    private void Export()
    {
        var image = Path.Combine(_images, "out.raw");
        using var view = _volume.OpenView(_volume.Points[^1].Id);
        ImageExport.Run(view, image, (_, _) => { }, CancellationToken.None, stepBytes: 40 * Block);
        File.ReadAllBytes(image).AsSpan().SequenceEqual(_points[_volume.Points[^1].Id]).ShouldBeTrue("what was exported");
    }

    private void Settle() => _store.Set.Maintenance.DrainAsync().Wait();
}
