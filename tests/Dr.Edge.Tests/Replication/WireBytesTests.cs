using Dr.Contracts.Mqtt;
using Dr.Edge.Volumes;

namespace Dr.Edge.Tests.Replication;

/// <summary>What goes over the wire against what changed, with content that does not compress.</summary>
public sealed class WireBytesTests(ITestOutputHelper output)
{
    [Fact]
    public async Task A_delta_costs_little_more_than_the_units_that_changed()
    {
        var random = new Random(7);
        await using var production = await Node.StartAsync("production");
        await using var backup = await Node.StartAsync("backup");
        var volume = production.Set.Create("dilas", 64 << 20);
        var data = new byte[1 << 20];
        for (var i = 0; i < 40; i++)
        {
            random.NextBytes(data);
            volume.WriteAt((long)i << 20, data);
        }

        volume.Point("base");
        await production.Copies.AddAsync(volume, backup.Address, CopyMode.Delta, null, default);
        await production.Copies.SyncAsync(volume, null, TestContext.Current.CancellationToken);
        var before = production.Copies.Of(volume)[0].ToStatus();

        // Every second one writes its unit again and again: what changed counts once. Whole blocks are written around single units, as databases do.
        var units = new HashSet<long>();
        var unit = new byte[512];
        for (var i = 0; i < 10_000; i++)
        {
            var at = random.NextInt64((40L << 20) / 512);
            random.NextBytes(unit);
            var block = new byte[4096];
            volume.Read(at / 8 * 4096, block);
            unit.CopyTo(block, (int)(at % 8) * 512);
            volume.WriteAt(at / 8 * 4096, block);
            units.Add(at);
        }

        volume.Point("changed");
        await production.Copies.SyncAsync(volume, null, TestContext.Current.CancellationToken);

        var after = production.Copies.Of(volume)[0].ToStatus();
        var changed = units.Count * 512L;
        var wire = after.WireBytes - before.WireBytes;
        (after.ChangedBytes - before.ChangedBytes).ShouldBe(changed);
        output.WriteLine($"changed 512-byte units: {changed} bytes; on the wire: {wire} bytes; ratio {(double)wire / changed:0.000}");
        ((double)wire / changed).ShouldBeLessThan(1.15);
        backup.Set.Get("dilas").ShouldHoldTheSameAs(volume);
    }
}
