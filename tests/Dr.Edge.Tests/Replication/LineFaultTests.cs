using Dr.Contracts.Mqtt;
using Dr.Edge.Volumes;

namespace Dr.Edge.Tests.Replication;

/// <summary>The line breaks, damages and repeats at random places while a volume is copied; the copy is the same in the end, point by point.</summary>
public sealed class LineFaultTests(ITestOutputHelper output)
{
    private const long Size = 32 << 20;

    [Theory]
    [InlineData(CopyMode.Stream, 1)]
    [InlineData(CopyMode.Delta, 2)]
    [InlineData(CopyMode.Sync, 3)]
    public async Task Whatever_the_line_does_the_copy_ends_up_the_same(CopyMode mode, int seed)
    {
        var random = new Random(seed);
        await using var production = await Node.StartAsync("production");
        await using var backup = await Node.StartAsync("backup");
        await using var line = new CutLine(backup.Address);
        var volume = production.Set.Create("dilas", Size);
        volume.WriteRandom(random, 200);
        line.FailAfter(random.Next(200, 3_000_000), CutLine.Fault.Cut);
        await production.Copies.AddAsync(volume, line.Address, mode, null, default);
        for (var round = 0; round < 15; round++)
        {
            var faults = line.Faults;
            line.FailAfter(random.Next(1, 60_000), (CutLine.Fault)random.Next(3));
            volume.WriteRandom(random, random.Next(10, 25));
            if (mode == CopyMode.Delta || random.Next(2) == 0)
            {
                volume.Point($"round {round}");
            }

            if (random.Next(6) == 0)
            {
                await backup.RestartAsync();
            }

            await Node.Until(() => line.Faults > faults, "the fault on the line");
        }

        line.FailAfter(long.MaxValue, CutLine.Fault.Cut);
        volume.Point("last");
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(40));
        try
        {
            await production.Copies.SyncAsync(volume, null, patience.Token);
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"the copy did not catch up: {production.Copies.Of(volume)[0].ToStatus()}");
        }

        var copy = backup.Set.Get("dilas");
        copy.ShouldHoldTheSameAs(volume);
        foreach (var point in copy.Points)
        {
            copy.ContentDigest(point.Id).ShouldBe(volume.ContentDigest(point.Id));
        }

        backup.Set.Volumes.Count.ShouldBe(1, "no tail is made where nothing diverged");
        line.Faults.ShouldBeGreaterThanOrEqualTo(15);
        output.WriteLine($"{mode}: {line.Faults} faults");
    }

    [Fact]
    public async Task A_large_first_copy_that_is_cut_goes_on_where_it_was()
    {
        var random = new Random(4);
        await using var production = await Node.StartAsync("production");
        await using var backup = await Node.StartAsync("backup");
        await using var line = new CutLine(backup.Address);
        var volume = production.Set.Create("dilas", 96 << 20);
        var data = new byte[1 << 20];
        for (var i = 0; i < 80; i++)
        {
            random.NextBytes(data);
            volume.WriteAt((long)i << 20, data);
        }

        line.FailAfter(60 << 20, CutLine.Fault.Cut);
        await production.Copies.AddAsync(volume, line.Address, CopyMode.Stream, null, default);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await production.Copies.SyncAsync(volume, null, patience.Token);

        backup.Set.Get("dilas").ShouldHoldTheSameAs(volume);
        line.Faults.ShouldBe(1);
        var again = line.Bytes - (80L << 20);
        output.WriteLine($"sent again after the cut: {again / 1024} KiB of 80 MiB");
        again.ShouldBeLessThan(64L << 20);
        again.ShouldBeLessThan(48L << 20, "the first 60 MiB were mostly on the target's disk");
    }
}
