using CsCheck;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Edge.Volumes;

namespace Dr.Edge.Tests.Volumes;

/// <summary>Random histories against arrays in memory.</summary>
public sealed class VolumeProperties
{
    private const int SizeBytes = 64 * 4096;

    private static readonly Gen<Op> GenOp = Gen.Frequency(
        (10, Gen.Select(Gen.Int[0, SizeBytes - 1], Gen.Int[1, 20000], Gen.Int[0, 1000], (o, l, s) => new Op(OpKind.Write, o, Math.Min(l, SizeBytes - o), s))),
        (6, Gen.Select(Gen.Int[0, 63], Gen.Int[1, 8], Gen.Int[0, 1000], (o, l, s) => new Op(OpKind.Write, o * 4096, Math.Min(l, 64 - o) * 4096, s))),
        (4, Gen.Select(Gen.Int[0, SizeBytes - 1], Gen.Int[1, 80000], (o, l) => new Op(OpKind.Zero, o, Math.Min(l, SizeBytes - o), 0))),
        (3, Gen.Const(new Op(OpKind.Point, 0, 0, 0))),
        (1, Gen.Int[0, 20].Select(i => new Op(OpKind.DeletePoint, i, 0, 0))),
        (1, Gen.Int[0, 20].Select(i => new Op(OpKind.Clone, i, 0, 0))),
        (1, Gen.Int[0, 20].Select(i => new Op(OpKind.Restore, i, 0, 0))),
        (2, Gen.Const(new Op(OpKind.Reopen, 0, 0, 0))),
        (2, Gen.Const(new Op(OpKind.Crash, 0, 0, 0))),
        (2, Gen.Const(new Op(OpKind.Maintain, 0, 0, 0))));

    private enum OpKind
    {
        Write,
        Zero,
        Point,
        DeletePoint,
        Clone,
        Restore,
        Reopen,
        Crash,
        Maintain,
    }

    [Fact]
    public void Any_history_of_a_volume_reads_as_it_was_written_at_every_point_and_in_every_clone() =>
        GenOp.List[1, 40].Sample(Run, iter: 150, threads: 2);

    private static void Run(List<Op> history)
    {
        using var store = new StoreFixture();
        store.Set.Create("v", SizeBytes);
        var live = new byte[SizeBytes];
        var points = new Dictionary<PointId, byte[]>();
        var clones = new Dictionary<string, byte[]>();
        foreach (var op in history)
        {
            var volume = store.Set.Get("v");
            switch (op.Kind)
            {
                case OpKind.Write:
                    var data = StoreFixture.Pattern(op.Length, op.Seed);
                    StoreFixture.Write(volume, op.Offset, data, fua: op.Seed % 3 == 0);
                    data.CopyTo(live, op.Offset);
                    foreach (var (name, content) in clones.Where(_ => op.Seed % 2 == 0))
                    {
                        StoreFixture.Write(store.Set.Get(name), SizeBytes - op.Offset - op.Length, data);
                        data.CopyTo(content, SizeBytes - op.Offset - op.Length);
                    }

                    break;
                case OpKind.Zero:
                    StoreFixture.Zero(volume, op.Offset, op.Length);
                    live.AsSpan(op.Offset, op.Length).Clear();
                    break;
                case OpKind.Point:
                    points[volume.CreatePoint(null, PointConsistency.Crash, null).Id] = [.. live];
                    break;
                case OpKind.DeletePoint when points.Count > 0:
                    var victim = points.Keys.Order().ElementAt(op.Offset % points.Count);
                    if (!clones.Keys.Any(name => store.Set.Get(name).Origin!.Sequence == volume.GetPoint(victim).Sequence))
                    {
                        volume.DeletePoint(victim).ShouldBeTrue();
                        points.Remove(victim);
                    }

                    break;
                case OpKind.Clone when points.Count > 0 && clones.Count < 3:
                    var origin = points.Keys.Order().ElementAt(op.Offset % points.Count);
                    store.Set.CreateClone(volume, origin, $"c{clones.Count}");
                    clones[$"c{clones.Count}"] = [.. points[origin]];
                    break;
                case OpKind.Restore when points.Count is > 0 and < 200:
                    var target = points.Keys.Order().ElementAt(op.Offset % points.Count);
                    points[volume.Restore(target, default, null, CancellationToken.None).Id] = [.. live];
                    points[target].CopyTo(live, 0);
                    break;
                case OpKind.Reopen:
                    store.Reopen();
                    break;
                case OpKind.Crash:
                    store.Crash();
                    break;
                case OpKind.Maintain:
                    store.Set.Maintenance.DrainAsync().Wait();
                    break;
            }
        }

        Check(store, live, points, clones);
        store.Reopen();
        Check(store, live, points, clones);
    }

    private static void Check(StoreFixture store, byte[] live, Dictionary<PointId, byte[]> points, Dictionary<string, byte[]> clones)
    {
        var volume = store.Set.Get("v");
        Same(volume, live, "live");
        volume.Points.Select(p => p.Id).ShouldBe(points.Keys.Order());
        foreach (var (id, content) in points)
        {
            using var view = volume.OpenView(id);
            Same(view, content, $"point {id}");
        }

        foreach (var (name, content) in clones)
        {
            Same(store.Set.Get(name), content, name);
        }
    }

    private static void Same(IBlockDevice device, byte[] expected, string what)
    {
        var actual = StoreFixture.ReadAll(device);
        var difference = actual.AsSpan().CommonPrefixLength(expected);
        difference.ShouldBe(SizeBytes, $"{what} differs at byte {difference}");
    }

    private readonly record struct Op(OpKind Kind, int Offset, int Length, int Seed);
}
