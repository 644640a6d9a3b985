using Dr.Contracts.Mqtt;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Disk;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dr.Edge.Tests.Volumes.PowerCut;

/// <summary>The power is cut at every instant of a rebuild: what is left is rebuilt already, or can be rebuilt as if nothing had happened.</summary>
public sealed class RebuildCutTests(ITestOutputHelper output) : IDisposable
{
    private const int SizeBytes = 32 * 4096;
    private const int StatesPerCut = 6;
    private readonly StoreFixture _store = new(fineWindow: TimeSpan.FromHours(1));
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("dr-recut-");
    private readonly Dictionary<long, byte[]> _points = [];
    private byte[] _live = [];

    public void Dispose()
    {
        _store.Dispose();
        _root.Delete(recursive: true);
    }

    [Theory]
    [InlineData("Journaled", "manifest gone")]
    [InlineData("Strict", "manifest gone")]
    [InlineData("Strict", "superblock and manifest cut")]
    public void A_power_cut_inside_a_rebuild_leaves_it_done_or_to_be_done_again_with_every_byte_and_point(string rules, string damage)
    {
        var image = DamagedImage(damage);
        var recorded = Path.Combine(_root.FullName, "recorded");
        PowerCutRun.Write(image, recorded);
        var (disk, nodes, next) = CutDisk.From(image, Enum.Parse<CutRules>(rules));
        var recorder = new TraceRecorder(recorded, Sabotage.None);
        recorder.Adopt(nodes, next);
        using (var set = VolumeSet.Open(recorded, TimeProvider.System, recorder, NullLogger.Instance, TimeSpan.FromHours(1)))
        {
            Rebuild(set);
        }

        var random = new Random(1);
        var (states, done) = (0, 0);
        for (var cut = 0; cut <= recorder.Count; cut++)
        {
            if (cut > 0)
            {
                disk.Apply(recorder.Events[cut - 1]);
            }

            for (var state = 0; state < StatesPerCut; state++, states++)
            {
                var style = (CutStyle)(state == 0 ? 0 : random.Next(7));
                done += Look(disk.Cut(random, style), $"cut {cut} of {recorder.Count}, {style}, state {states}") ? 1 : 0;
            }
        }

        output.WriteLine($"{states} states at {recorder.Count} instants, {done} of them rebuilt already");
        done.ShouldBeInRange(1, states - 1);
    }

    /// <summary>True when the volume opened as the rebuild leaves it; otherwise it was damaged still, and is rebuilt now.</summary>
    private bool Look(IReadOnlyDictionary<string, byte[]?> image, string where)
    {
        var path = Path.Combine(_root.FullName, "state");
        PowerCutRun.Write(image, path);
        using var set = VolumeSet.Open(path, TimeProvider.System, new Pretended(), NullLogger.Instance, TimeSpan.FromHours(1));
        var isDone = set.Damaged.Count == 0;
        if (!isDone)
        {
            Rebuild(set);
        }

        var volume = set.Get("v");
        volume.Fault.ShouldBeNull(where);
        volume.Role.ShouldBe(VolumeRole.Demoted, where);
        StoreFixture.ReadAll(volume).AsSpan().SequenceEqual(_live).ShouldBeTrue($"{where}: the content differs");
        foreach (var (sequence, content) in _points)
        {
            var point = volume.Points.FirstOrDefault(p => p.Sequence.Value == sequence);
            point.ShouldNotBeNull($"{where}: the point at {sequence} is gone");
            using var view = volume.OpenView(point.Id);
            StoreFixture.ReadAll(view).AsSpan().SequenceEqual(content).ShouldBeTrue($"{where}: the point at {sequence} differs");
        }

        return isDone;
    }

    private static void Rebuild(VolumeSet set) =>
        set.Rebuild(set.Damaged.ShouldHaveSingleItem().Name, "v", isNoClone: true, apply: true, (_, _) => { }, CancellationToken.None).Bad.ShouldBeEmpty();

    private SortedDictionary<string, byte[]?> DamagedImage(string damage)
    {
        var volume = _store.Set.Create("v", SizeBytes);
        for (var i = 0; i < 3; i++)
        {
            StoreFixture.Write(volume, i * 9000, StoreFixture.Pattern(20_000, i));
            StoreFixture.Zero(volume, i * 4096, 5000);
            _points.Add(volume.CreatePoint($"p{i}", PointConsistency.Crash, null).Sequence.Value, StoreFixture.ReadAll(volume));
        }

        StoreFixture.Write(volume, 70_000, StoreFixture.Pattern(30_000, 9), fua: true);
        _live = StoreFixture.ReadAll(volume);
        _store.Set.Maintenance.DrainAsync().Wait();
        var relative = Path.GetRelativePath(_store.Directory, volume.DirectoryPath);
        _store.Set.Dispose();
        var copy = Path.Combine(_root.FullName, "copy");
        _store.CopyTo(copy);
        var image = new SortedDictionary<string, byte[]?>(StringComparer.Ordinal);
        foreach (var entry in new DirectoryInfo(copy).EnumerateFileSystemInfos("*", SearchOption.AllDirectories))
        {
            image[Path.GetRelativePath(copy, entry.FullName)] = entry is FileInfo file ? File.ReadAllBytes(file.FullName) : null;
        }

        var (manifest, superblock) = (Path.Combine(relative, "manifest"), Path.Combine(relative, "superblock"));
        if (damage == "manifest gone")
        {
            image.Remove(manifest);
        }
        else
        {
            image[manifest] = image[manifest]![..100];
            image[superblock]!.AsSpan(0, 3 * 4096).Clear();
        }

        return image;
    }

    /// <summary>The state is thrown away after it was looked at.</summary>
    private sealed class Pretended : StoreFaults
    {
        public override int ErrorFor(DiskCall call, string path) => call == DiskCall.Sync ? Pretend : 0;
    }
}
