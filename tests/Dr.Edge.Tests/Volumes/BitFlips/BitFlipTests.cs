using System.Reflection;
using Dr.Contracts.Errors;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Format;
using Microsoft.Extensions.Time.Testing;

namespace Dr.Edge.Tests.Volumes.BitFlips;

/// <summary>A bit flips in each kind of thing that volume-format.md lists: what must notice it does, and no block is ever served that is not right.</summary>
public sealed class BitFlipTests : IDisposable
{
    private const int SizeBytes = 32 * 4096;
    private const int FlipsOfEach = 3;
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 5, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly StoreFixture _store;
    private readonly Dictionary<string, List<(PointInfo? Point, byte[] Content)>> _expected = new(StringComparer.Ordinal);

    public BitFlipTests() => _store = new StoreFixture(_time, new NoFlushes(), TimeSpan.FromHours(1));

    public void Dispose() => _store.Dispose();

    /// <summary>A new codec, or a new kind of layer, without a bit flipped in it is told here.</summary>
    [Fact]
    public void Every_codec_and_every_kind_of_layer_has_a_place_where_bits_are_flipped()
    {
        var codecs = typeof(LayerHeader).Assembly.GetTypes()
            .Where(type => type.Namespace?.StartsWith("Dr.Edge.Volumes", StringComparison.Ordinal) == true
                && type.GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic).Any(field => field.IsLiteral && field.FieldType == typeof(int) && field.Name is not "FileOffset" && field.Name.EndsWith("Offset", StringComparison.Ordinal)));
        codecs.Except(FlipPlace.All.Select(place => place.Codec)).ShouldBeEmpty();
        Enum.GetValues<LayerKind>().Except(FlipPlace.All.Select(place => place.Kind).OfType<LayerKind>()).ShouldBeEmpty();
    }

    [Fact]
    public void No_flipped_bit_is_served_and_what_must_notice_it_does()
    {
        MakeHistories();
        foreach (var place in FlipPlace.All)
        {
            var name = place.Kind == LayerKind.Delta ? "r" : "v";
            var volume = _store.Set.Get(name);
            var pieces = place.Find(volume, volume.DirectoryPath).ToList();
            pieces.ShouldNotBeEmpty($"{place}: there is none in the volume");
            var random = new Random(place.ToString().Length);
            for (var flip = 0; flip < FlipsOfEach; flip++)
            {
                var (path, offset, length) = pieces[random.Next(pieces.Count)];
                Flip(place, name, path, offset + random.NextInt64(length), (byte)(1 << random.Next(8)));
            }
        }
    }

    private void Flip(FlipPlace place, string name, string path, long offset, byte bit)
    {
        var saved = Directory.CreateTempSubdirectory("dr-flip-").FullName;
        try
        {
            var before = "";
            _store.Reopen(() =>
            {
                before = Path.Combine(saved, "data");
                _store.CopyTo(before);
                var content = File.ReadAllBytes(path);
                content[offset] ^= bit;
                File.WriteAllBytes(path, content);
            });
            var what = $"{place}, {Path.GetFileName(path)} byte {offset} bit {bit}";
            var found = Look(name, what, place.Outcome);
            found.ShouldBe(place.Outcome, what);
            _store.Reopen(() => PutBack(before));
            Look(name, $"after {what} was put back", Outcome.Noticed).ShouldBe(Outcome.Harmless);
        }
        finally
        {
            Directory.Delete(saved, recursive: true);
        }
    }

    private void PutBack(string before)
    {
        Directory.Delete(Path.Combine(_store.Directory, "volumes"), recursive: true);
        Directory.Move(Path.Combine(before, "volumes"), Path.Combine(_store.Directory, "volumes"));
    }

    private Outcome Look(string name, string what, Outcome expected)
    {
        if (_store.Set.Find(name) is not { } volume)
        {
            _store.Set.Damaged.ShouldHaveSingleItem().Reason.ShouldNotBeEmpty(what);
            return Outcome.Damaged;
        }

        var isNoticed = volume.Fault is not null;
        foreach (var (point, content) in _expected[name])
        {
            isNoticed |= !IsRight(volume, point, content, what);
        }

        // What is made again in the background may be found by verify before that.
        var isFound = new Verifier(volume, (_, _) => { }, CancellationToken.None).Run(null, null).Bad.Count > 0;
        return isNoticed || (isFound && expected != Outcome.Harmless) ? Outcome.Noticed : Outcome.Harmless;
    }

    /// <summary>False when some of it is an error; a wrong block fails the test.</summary>
    private static bool IsRight(Volume volume, PointInfo? point, byte[] content, string what)
    {
        try
        {
            using var view = point is null ? null : volume.OpenView(point.Id);
            IBlockDevice device = view is null ? volume : view;
            var isRight = true;
            var block = new byte[4096];
            for (var offset = 0; offset < content.Length; offset += block.Length)
            {
                try
                {
                    device.Read(offset, block);
                    block.AsSpan().SequenceEqual(content.AsSpan(offset, block.Length)).ShouldBeTrue($"{what}: a wrong block was served at {offset} of {point?.Label ?? "the present"}");
                }
                catch (BlockDeviceException)
                {
                    isRight = false;
                }
            }

            return isRight;
        }
        catch (DrException)
        {
            return false;
        }
    }

    /// <summary>v has a base, a log, a compacted layer and a head; r has deltas.</summary>
    private void MakeHistories()
    {
        var volume = _store.Set.Create("v", SizeBytes);
        var points = Enumerable.Range(0, 5).Select(i => Point(volume, i)).ToList();
        Settle();
        volume.DeletePoint(points[0].Point!.Id);
        volume.DeletePoint(points[2].Point!.Id);
        _time.Advance(TimeSpan.FromHours(2));
        Settle();
        volume.Compact();
        var log = Point(volume, 9);
        StoreFixture.Write(volume, 0, StoreFixture.Pattern(9000, 20), fua: true);
        _expected["v"] = [points[1], points[3], points[4], log, (null, StoreFixture.ReadAll(volume))];
        volume.State.BaseBlocks.ShouldBeGreaterThan(4);
        MakeCopy(volume, [points[1].Point!, points[3].Point!, points[4].Point!]);
        Settle();
    }

    private (PointInfo? Point, byte[] Content) Point(Volume volume, int seed)
    {
        StoreFixture.Write(volume, 0, StoreFixture.Pattern((seed % 2 == 0 ? 20 : 10) * 4096, seed));
        StoreFixture.Zero(volume, 12 * 4096, 2 * 4096);
        StoreFixture.Write(volume, 25 * 4096, StoreFixture.Pattern(4096, seed + 50));
        _time.Advance(TimeSpan.FromMinutes(1));
        return (volume.CreatePoint($"p{seed}", PointConsistency.Crash, null), StoreFixture.ReadAll(volume));
    }

    private void MakeCopy(Volume source, IReadOnlyList<PointInfo> targets)
    {
        var copy = _store.Set.CreateReplica(VolumeId.New(), "r", SizeBytes);
        _expected["r"] = [];
        PointInfo? from = null;
        foreach (var target in targets)
        {
            using var view = source.OpenView(target.Id);
            using var staging = copy.OpenStaging(from?.Id, target);
            foreach (var range in source.ChangedBlocks(from?.Id, target.Id))
            {
                var data = new byte[range.Count * 4096];
                view.Read(range.First * 4096, data);
                staging.WriteBlocks(range.First, data);
            }

            staging.Commit(source.ContentDigest(target.Id), source.Generations);
            _expected["r"].Add((target, StoreFixture.ReadAll(copy)));
            from = target;
        }
    }

    private void Settle() => _store.Set.Maintenance.DrainAsync().Wait();

    /// <summary>What is looked at is what is read, not what a power cut leaves.</summary>
    private sealed class NoFlushes : StoreFaults
    {
        public override int ErrorFor(DiskCall call, string path) => call == DiskCall.Sync ? Pretend : 0;
    }
}
