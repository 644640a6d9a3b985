using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Mapping;

namespace Dr.Edge.Tests.Volumes.Mapping;

/// <summary>The map against a dictionary: writes, zeros, snapshots that come and go, and layers that leave for the base.</summary>
public sealed class BlockMapProperties : IDisposable
{
    private const int Blocks = (3 << BlockMap.BranchShift) + 700;
    private const int Slots = 4;
    private readonly string _directory = Path.Combine(Path.GetTempPath(), $"dr-map-{Guid.NewGuid():N}");

    public BlockMapProperties() => Directory.CreateDirectory(_directory);

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Any_history_reads_as_a_dictionary_says_in_the_map_and_in_every_snapshot()
    {
        BaseImage.Create(_directory, StoreFaults.None);
        var data = new byte[4096];
        using (var source = BaseImage.Open(_directory, new LayerTable(), StoreFaults.None))
        {
            for (var block = 0; block < Blocks; block += 4099)
            {
                source.Write(block, data, [7]);
            }

            source.Load(Blocks);
            for (var seed = 0; seed < 600; seed++)
            {
                using var history = new History(seed, seed % 2 == 0 ? source : null);
                history.Run(60);
            }
        }
    }

    [Fact]
    public void Changing_a_map_without_snapshots_copies_nothing_and_a_snapshot_given_back_costs_nothing_any_more()
    {
        using var map = new BlockMap(Blocks);
        for (var block = 0; block < 100_000; block++)
        {
            map.Set(block, new BlockLocation(1, 64 + block), 1);
        }

        map.CopiedLeaves.ShouldBe(0);
        using (var shared = map.Snapshot())
        {
            map.Set(5, new BlockLocation(1, 1 << 20), 2);
            map.Set(6, new BlockLocation(1, 1 << 20), 2);
            shared.Get(5, out _).Offset.ShouldBe(69);
        }

        map.CopiedLeaves.ShouldBe(1);
        for (var block = 0; block < 100_000; block++)
        {
            map.Set(block, new BlockLocation(1, 64 + block), 1);
        }

        map.CopiedLeaves.ShouldBe(1);
    }

    [Fact]
    public void Set_and_get_allocate_nothing_once_the_leaves_are_there()
    {
        using var map = new BlockMap(Blocks);
        Work();
        Allocated.Least(Work).ShouldBe(0);

        void Work()
        {
            for (var block = 0; block < 10_000; block++)
            {
                map.Set(block * 37L % Blocks, new BlockLocation(1, 64 + block), 1);
                map.Get(block, out _);
            }
        }
    }

    [Fact]
    public async Task A_reader_beside_the_writer_sees_a_location_and_the_checksum_that_belongs_to_it()
    {
        using var map = new BlockMap(Blocks);
        using var stop = new CancellationTokenSource();
        var readers = Enumerable.Range(0, 2).Select(seed => Task.Run(() =>
        {
            var random = new Random(seed);
            for (long reads = 0; !stop.IsCancellationRequested || reads < 10_000; reads++)
            {
                var location = map.Get(random.Next(2048), out var checksum);
                if (location.IsData && (uint)location.Offset * 31 != checksum)
                {
                    return false;
                }
            }

            return true;
        })).ToArray();
        var random = new Random(5);
        for (var i = 0; i < 300_000; i++)
        {
            var offset = random.Next(64, int.MaxValue);
            map.Set(random.Next(2048), new BlockLocation(1, offset), (uint)offset * 31);
            if (i % 5000 == 0)
            {
                map.Clear(random.Next(1024), 1024, 1);
                map.Snapshot().Dispose();
            }
        }

        await stop.CancelAsync();
        (await Task.WhenAll(readers)).ShouldAllBe(right => right);
    }

    private sealed class History(int seed, BaseImage? source) : IDisposable
    {
        private readonly Random _random = new(seed);
        private readonly BlockMap _map = new(Blocks, source);
        private readonly List<(BlockMap Map, Dictionary<long, ulong> Expected)> _snapshots = [];
        private readonly Dictionary<long, ulong> _expected = []; // What layers say; zeros by an own mark.

        public void Run(int steps)
        {
            for (var step = 0; step < steps; step++)
            {
                Step();
            }

            Check(_map, _expected);
            foreach (var (map, expected) in _snapshots)
            {
                Check(map, expected);
                map.Dispose();
            }
        }

        public void Dispose() => _map.Dispose();

        private void Step()
        {
            switch (_random.Next(10))
            {
                case < 5:
                    // Runs in one leaf, so that small leaves grow to dense ones, and singles all over.
                    var first = _random.Next(3) == 0 ? _random.Next(Blocks - 600) : _random.Next(4) * 512L;
                    for (var block = first; block < first + _random.Next(1, 400); block++)
                    {
                        var location = new BlockLocation(_random.Next(1, Slots), _random.Next(64, 1 << 30));
                        _map.Set(block, location, (uint)location.Value);
                        _expected[block] = location.Value;
                    }

                    break;
                case < 8:
                    var start = _random.Next(2) == 0 ? _random.Next(2000) : _random.Next(Blocks);
                    var count = Math.Min(_random.Next(2) == 0 ? _random.Next(1, 1500) : _random.Next(1, Blocks), Blocks - start);
                    _map.Clear(start, count, _random.Next(1, Slots));
                    Zero(start, start + count);
                    break;
                case 8:
                    _snapshots.Add((_map.Snapshot(), new Dictionary<long, ulong>(_expected)));
                    break;
                default:
                    if (_snapshots.Count > 0)
                    {
                        var index = _random.Next(_snapshots.Count);
                        Check(_snapshots[index].Map, _snapshots[index].Expected);
                        _snapshots[index].Map.Dispose();
                        _snapshots.RemoveAt(index);
                    }

                    break;
            }
        }

        private void Zero(long first, long end)
        {
            foreach (var block in _expected.Keys.Where(block => block >= first && block < end).ToList())
            {
                _expected[block] = 0;
            }

            for (var block = (first + 4098) / 4099 * 4099; source is not null && block < end; block += 4099)
            {
                _expected[block] = 0;
            }
        }

        private void Check(BlockMap map, Dictionary<long, ulong> expected)
        {
            var content = expected.Where(pair => pair.Value != 0).Select(pair => pair.Key).ToHashSet();
            for (long block = 0; source is not null && block < Blocks; block += 4099)
            {
                if (!expected.ContainsKey(block))
                {
                    content.Add(block);
                }
            }

            map.MappedBlocks.ShouldBe(content.Count, $"seed {seed}");
            foreach (var (block, value) in expected)
            {
                var location = map.Get(block, out var checksum);
                if (value == 0 ? map.IsContent(block, location) : location.Value != value || checksum != (uint)value)
                {
                    throw new InvalidOperationException($"Seed {seed}: block {block} is {location}, not {new BlockLocation(value)}.");
                }
            }

            var found = new HashSet<long>();
            for (var block = map.Find(0, Blocks, content: true); block < Blocks; block = map.Find(block + 1, Blocks, content: true))
            {
                found.Add(block);
            }

            found.SetEquals(content).ShouldBeTrue($"seed {seed}");
        }
    }
}
