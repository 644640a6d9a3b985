using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Format;
using Dr.Edge.Volumes.Mapping;
using Microsoft.Extensions.Time.Testing;

namespace Dr.Edge.Tests.Volumes.Mapping;

/// <summary>Views and clones of old points: what opening and reading them costs in counted work, and that what is made late is what would have been made at first.</summary>
public sealed class PastMapTests : IDisposable
{
    private const long SizeBytes = 16L << 30;
    private const int Points = 40;
    private const int WritesPerPoint = 60;
    private readonly CountedReads _reads = new();
    private StoreFixture _store = null!;
    private Volume _volume = null!;
    private readonly Random _random = new(11);
    private readonly Dictionary<long, byte> _live = [];

    public PastMapTests()
    {
        Begin(new StoreFixture(faults: _reads));
    }

    public void Dispose() => _store.Dispose();

    private void Begin(StoreFixture store)
    {
        _store = store;
        _volume = store.Set.Create("v", SizeBytes);
    }

    [Fact]
    public async Task A_view_or_clone_of_any_point_reads_no_index_when_it_is_opened_and_only_its_part_when_it_is_read()
    {
        // Where time stands still and nothing is merged, only the first point's map is kept ready.
        _store.Dispose();
        Begin(new StoreFixture(new FakeTimeProvider(DateTimeOffset.UtcNow), _reads, TimeSpan.FromHours(1)));
        var history = Enumerable.Range(0, Points).Select(_ => Point()).ToList();
        await _store.Set.Maintenance.DrainAsync();
        _reads.Folder = _volume.DirectoryPath;
        foreach (var (point, content) in (Seen[])[history[1], history[Points / 2], history[^2]])
        {
            _reads.Count = 0;
            var allocated = GC.GetAllocatedBytesForCurrentThread();
            using var view = _volume.OpenView(point.Id);
            (GC.GetAllocatedBytesForCurrentThread() - allocated).ShouldBeLessThan(128 * 1024);
            _reads.Count.ShouldBe(0, "what is in memory says where everything is");
            view.Map.BuiltBranches.ShouldBe(0);

            var (block, seed) = content.First();
            Check(view, block, seed);
            view.Map.BuiltBranches.ShouldBe(1);

            // One part of each index, and the block.
            _reads.Count.ShouldBeLessThanOrEqualTo(history.FindIndex(seen => seen.Point.Id == point.Id) + 2);
            foreach (var (other, otherSeed) in content.Where(pair => pair.Key >> BlockMap.BranchShift == block >> BlockMap.BranchShift))
            {
                Check(view, other, otherSeed);
            }

            view.Map.BuiltBranches.ShouldBe(1, "the part is there now");
            _reads.Count = 0;
            var clone = _store.Set.CreateClone(_volume, point.Id, $"c{point.Id}");
            _reads.Count.ShouldBe(0);
            Check(clone, block, seed);
        }
    }

    [Fact]
    public async Task What_is_looked_at_late_is_what_the_point_held_while_layers_move_into_the_base_and_into_each_other()
    {
        var history = Enumerable.Range(0, 12).Select(_ => Point()).ToList();
        List<(IBlockDevice Device, Dictionary<long, byte> Content)> open = [];
        foreach (var (point, content) in history.Skip(2).Take(6))
        {
            open.Add((_volume.OpenView(point.Id), content));
            open.Add((_store.Set.CreateClone(_volume, point.Id, $"c{open.Count}"), content));
        }

        // A clone's own past lies over its parent's.
        var clone = (Volume)open[^1].Device;
        StoreFixture.Write(clone, 0, Block(201));
        var own = clone.CreatePoint(null, PointConsistency.Crash, null);
        StoreFixture.Write(clone, 0, Block(202));
        clone.CreatePoint(null, PointConsistency.Crash, null);
        StoreFixture.Zero(clone, 0, 1L << 30);
        open[^1] = (clone, open[^1].Content.Where(pair => pair.Key >= 1 << BlockMap.BranchShift).ToDictionary());
        open.Add((clone.OpenView(own.Id), new Dictionary<long, byte>(history[7].Content) { [0] = 201 }));

        // Everything before the oldest view goes into the base, and middle layers into each other, before anybody looks.
        foreach (var (point, _) in history.Where((_, i) => i is 0 or 1 or 9 or 10))
        {
            _volume.DeletePoint(point.Id);
        }

        for (var i = 0; i < 3; i++)
        {
            Point();
        }

        await _store.Set.Maintenance.DrainAsync();
        _volume.State.BaseSequence.ShouldBe(history[2].Point.Sequence.Value, "the layers below the oldest view have moved");
        foreach (var (device, content) in open)
        {
            CheckAll(device, content);
        }

        foreach (var view in open.Select(pair => pair.Device).OfType<VolumeView>())
        {
            view.Dispose();
        }

        _store.Reopen();
        CheckAll(_store.Set.Get("c1"), open[1].Content);
        CheckAll(_store.Set.Get("v"), _live);
    }

    [Fact]
    public async Task An_index_that_is_damaged_after_it_was_read_is_made_again_from_the_batches()
    {
        var history = Enumerable.Range(0, 4).Select(_ => Point()).ToList();
        await _store.Set.Maintenance.DrainAsync();
        var state = _volume.State;
        using var view = _volume.OpenView(history[2].Point.Id);
        foreach (var layer in state.Layers.Take(3))
        {
            using var file = new FileStream(Layer.PathOf(_volume.DirectoryPath, layer.Number), FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
            file.Position = layer.LengthBytes + LayerIndex.HeaderBytes + 1;
            file.WriteByte(0xEE);
        }

        CheckAll(view, history[2].Content);
    }

    [Fact]
    public void A_moment_inside_a_layer_is_served_from_the_batches_before_it()
    {
        var (_, content) = Point();
        StoreFixture.Write(_volume, 7 * 4096L, Block(3));
        StoreFixture.Write(_volume, 5L << 30, Block(4));
        var at = _volume.Appended;
        StoreFixture.Write(_volume, 7 * 4096L, Block(5));
        using var view = _volume.OpenView(at.Value, DateTimeOffset.UnixEpoch, "a test");
        CheckAll(view, new Dictionary<long, byte>(content) { [7] = 3, [(5L << 30) / 4096] = 4 });
    }

    [Fact]
    public async Task What_gives_way_to_the_budget_is_made_again_also_beside_other_readers()
    {
        using var store = new StoreFixture(fineWindow: TimeSpan.FromHours(1));
        var volume = store.Set.Create("w", SizeBytes);
        var content = Point(volume).Content;
        await store.Set.Maintenance.DrainAsync();
        var record = volume.State.Layers[0];
        var file = new LayerTable().Add(DurableFile.Open(Layer.PathOf(volume.DirectoryPath, record.Number), FileMode.Open, StoreFaults.None));
        var sources = MapBuilder.Read([new Layer(record, file, record.LengthBytes)], volume.State);
        var kept = new PastBranches(budgetBytes: 20_000);
        var past = new PastMap(SizeBytes / 4096, sources, under: null, source: null, kept);
        using (var map = new BlockMap(past))
        {
            await Task.WhenAll(Enumerable.Range(0, 3).Select(seed => Task.Run(() =>
            {
                var random = new Random(seed);
                for (var i = 0; i < 3000; i++)
                {
                    var (block, value) = content.ElementAt(random.Next(content.Count));
                    map.Get(block, out var checksum).IsData.ShouldBe(value != 0);
                    checksum.ShouldBe(value == 0 ? 0 : Crc32C.Compute(Block(value)));
                }
            })));
            past.Built.ShouldBeGreaterThan(past.Branches, "some were made again");
            kept.Bytes.ShouldBeLessThanOrEqualTo(20_000);
            map.MappedBlocks.ShouldBe(content.Values.Count(value => value != 0));
        }

        file.Release();
        kept.Bytes.ShouldBe(0, "nobody uses it any more");
    }

    private static byte[] Block(byte seed)
    {
        var block = new byte[4096];
        Array.Fill(block, seed);
        return block;
    }

    private static void Check(IBlockDevice device, long block, byte seed)
    {
        var data = new byte[4096];
        device.Read(block * 4096, data);
        data.AsSpan().IndexOfAnyExcept(seed).ShouldBe(-1, $"block {block} is {data[0]}, not {seed}");
    }

    private static void CheckAll(IBlockDevice device, Dictionary<long, byte> content)
    {
        foreach (var (block, seed) in content)
        {
            Check(device, block, seed);
        }
    }

    /// <summary>Random blocks all over the volume, some of them again and again, and zeros over some; then a point.</summary>
    private Seen Point() => Point(_volume);

    private Seen Point(Volume volume)
    {
        var seed = (byte)_random.Next(1, 200);
        for (var i = 0; i < WritesPerPoint; i++)
        {
            var block = _random.Next(3) == 0 ? _random.Next(100) : _random.NextInt64(SizeBytes / 4096);
            StoreFixture.Write(volume, block * 4096, Block(seed));
            _live[block] = seed;
        }

        var (first, count) = (_random.NextInt64(SizeBytes / 8192), 300_000);
        StoreFixture.Zero(volume, first * 4096, count * 4096L);
        foreach (var block in _live.Keys.Where(block => block >= first && block < first + count).ToList())
        {
            _live[block] = 0;
        }

        return new Seen(volume.CreatePoint(null, PointConsistency.Crash, null), new Dictionary<long, byte>(_live));
    }

    private sealed record Seen(PointInfo Point, Dictionary<long, byte> Content);

    /// <summary>Reads of one volume's files.</summary>
    private sealed class CountedReads : StoreFaults
    {
        public string Folder { get; set; } = "nowhere";

        public int Count { get; set; }

        public override int ErrorFor(DiskCall call, string path)
        {
            Count += call == DiskCall.Read && path.StartsWith(Folder, StringComparison.Ordinal) ? 1 : 0;
            return 0;
        }
    }
}
