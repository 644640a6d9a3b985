using Dr.Contracts.Mqtt;
using Dr.Contracts.Wire;
using Dr.Edge.Tests.Replication.Packing.Logs;
using Dr.Edge.Volumes;

namespace Dr.Edge.Tests.Replication.Packing;

/// <summary>Deltas between two appliances over a line that is slow enough to be worth packing.</summary>
public sealed class PackedCopyTests : TwoNodeTest
{
    private const double Megabits = 60;
    private const int Pages = 256;
    private readonly Random _random = new(11);

    [Fact]
    public async Task What_stands_in_the_base_elsewhere_is_hardly_sent_on_a_line_with_a_limit_and_sent_on_one_without()
    {
        var volume = Production.Set.Create("dilas", 8 << 20);
        var pages = WritePages(volume);
        await Production.Copies.AddAsync(volume, Backup.Address, CopyMode.Delta, Megabits, default);
        await SyncAsync(volume);
        var packed = await SendLogAsync(volume, pages, at: 4 << 20);
        await Production.Copies.AddAsync(volume, Backup.Address, CopyMode.Delta, null, default);
        var plain = await SendLogAsync(volume, pages, at: 6 << 20);

        Backup.Set.Get("dilas").ShouldHoldTheSameAs(volume);
        packed.ShouldBeLessThan(plain / 10);
        Production.Copies.Of(volume)[0].ToStatus().DivergentBlocks.ShouldBe(0);
    }

    [Fact]
    public async Task A_line_that_is_slow_without_being_limited_is_found_out_and_packed_for()
    {
        await using var line = new SlowLine(Backup.Address, 6e6);
        var volume = Production.Set.Create("dilas", 32 << 20);
        var pages = WritePages(volume);
        var more = new byte[1 << 20];
        for (var at = 8 << 20; at < 24 << 20; at += more.Length)
        {
            _random.NextBytes(more);
            volume.WriteAt(at, more);
        }

        await Production.Copies.AddAsync(volume, line.Address, CopyMode.Delta, null, default);
        await SyncAsync(volume);
        var wire = await SendLogAsync(volume, pages, at: 4 << 20);

        Backup.Set.Get("dilas").ShouldHoldTheSameAs(volume);
        wire.ShouldBeLessThan(Pages / 2 * 4096 / 5, $"{wire} bytes for {Pages / 2} pages of log; the line was taken to carry {Production.Copies.Of(volume)[0].Line.BytesPerSecond:0} bytes in a second");
    }

    [Fact]
    public async Task A_peer_of_before_gets_the_delta_as_it_knows_it()
    {
        Backup.NewestVersion = Hello.WithPackedDeltas - 1;
        await Backup.RestartAsync();
        var volume = Production.Set.Create("dilas", 8 << 20);
        var pages = WritePages(volume);
        await Production.Copies.AddAsync(volume, Backup.Address, CopyMode.Delta, Megabits, default);
        await SyncAsync(volume);
        var wire = await SendLogAsync(volume, pages, at: 4 << 20);

        Backup.Set.Get("dilas").ShouldHoldTheSameAs(volume);
        wire.ShouldBeGreaterThan(Pages / 2 * 4096);
    }

    [Fact]
    public async Task A_databases_log_takes_less_to_a_peer_that_knows_it_arranged_and_arrives_at_either()
    {
        Backup.NewestVersion = Hello.WithArrangedDeltas - 1;
        await Backup.RestartAsync();
        var volume = Production.Set.Create("dilas", 8 << 20);
        volume.WriteAt(0, [1]);
        await Production.Copies.AddAsync(volume, Backup.Address, CopyMode.Delta, Megabits, default);
        await SyncAsync(volume);
        var wires = new List<long>();
        foreach (int? newest in new int?[] { Hello.WithArrangedDeltas - 1, null })
        {
            if (newest is null)
            {
                Backup.NewestVersion = null;
                await Backup.RestartAsync();
            }

            // Over what is not a log: nothing of it is in the base.
            volume.WriteAt(1 << 20, new byte[1 << 20]);
            volume.Point();
            await SyncAsync(volume);
            volume.WriteAt(1 << 20, GoldenLog.Read(GoldenLog.Pages));
            volume.Point();
            var before = Production.Copies.Of(volume)[0].ToStatus().WireBytes;
            await SyncAsync(volume);
            wires.Add(Production.Copies.Of(volume)[0].ToStatus().WireBytes - before);
            Backup.Set.Get("dilas").ShouldHoldTheSameAs(volume);
        }

        wires[1].ShouldBeLessThan(wires[0] * 3 / 4, $"{wires[0]} bytes as before");
        Production.Copies.Of(volume)[0].ToStatus().DivergentBlocks.ShouldBe(0);
    }

    [Fact]
    public async Task Another_base_at_the_copy_is_noticed_and_mended()
    {
        var volume = Production.Set.Create("dilas", 8 << 20);
        var pages = WritePages(volume);
        await Production.Copies.AddAsync(volume, Backup.Address, CopyMode.Delta, Megabits, default);
        await SyncAsync(volume);

        // A point that both list and that is not the same: what a fault in either store would make.
        await Production.Copies.RemoveAsync(volume, Backup.Address, default);
        var first = volume.Points[^1];
        volume.WriteAt(0, [1]);
        var second = volume.Point("second");
        var copy = Backup.Set.Get("dilas");
        using (var staging = copy.OpenStaging(first.Id, second))
        using (var view = volume.OpenView(second.Id))
        {
            var content = new byte[4096];
            view.Read(0, content);
            staging.WriteBlocks(0, content);
            for (var page = 0; page < Pages; page++)
            {
                // In every page: whichever is chosen to pack against is another here.
                view.Read((page + 1) * 4096L, content);
                content[2000] ^= 0x40;
                staging.WriteBlocks(page + 1, content);
            }

            staging.Commit(staging.Digest(), volume.Generations);
        }

        await Production.Copies.AddAsync(volume, Backup.Address, CopyMode.Delta, Megabits, default);
        await SendLogAsync(volume, pages, at: 4 << 20);

        Backup.Set.Get("dilas").ShouldHoldTheSameAs(volume);
        Production.Copies.Of(volume)[0].ToStatus().DivergentBlocks.ShouldBeGreaterThan(0);
    }

    private byte[][] WritePages(Volume volume)
    {
        var pages = new byte[Pages][];
        for (var i = 0; i < Pages; i++)
        {
            _random.NextBytes(pages[i] = new byte[4096]);
            volume.WriteAt((i + 1) * 4096L, pages[i]);
        }

        return pages;
    }

    // Half of the pages change in one unit, and a log beside them says what all of those held: what a database does. Returns the bytes on the wire.
    private async Task<long> SendLogAsync(Volume volume, byte[][] pages, long at)
    {
        var log = new byte[Pages / 2 * 4128];
        for (var i = 0; i < Pages / 2; i++)
        {
            _random.NextBytes(log.AsSpan(i * 4128, 32));
            pages[i].CopyTo(log, (i * 4128) + 32);
            pages[i] = (byte[])pages[i].Clone();
            pages[i][100]++;
            volume.WriteAt((i + 1) * 4096L, pages[i]);
        }

        volume.WriteAt(at, log);
        volume.Point();
        var before = Production.Copies.Of(volume)[0].ToStatus().WireBytes;
        await SyncAsync(volume);
        return Production.Copies.Of(volume)[0].ToStatus().WireBytes - before;
    }
}
