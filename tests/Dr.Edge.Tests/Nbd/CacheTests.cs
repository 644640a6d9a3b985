using System.Globalization;
using Dr.Contracts.Mqtt;
using Dr.Edge.Nbd;
using Dr.Edge.Tests.Nbd.Interop;
using Dr.Edge.Tests.Volumes;
using Dr.Edge.Volumes;

namespace Dr.Edge.Tests.Nbd;

/// <summary>CACHE has the kernel read what was named, of whatever file it lies in, and no more than its limits. Seen with fincore on a real file system.</summary>
public sealed class CacheTests : IAsyncLifetime
{
    private const int Mebi = 1024 * 1024;
    private StoreServer _stand = null!;

    public async ValueTask InitializeAsync() => _stand = await StoreServer.StartAsync(256L * Mebi);

    public ValueTask DisposeAsync() => _stand.DisposeAsync();

    [Fact]
    public async Task What_was_named_is_in_memory_before_anybody_reads_it()
    {
        var volume = _stand.Volume;
        StoreFixture.Write(volume, 0, StoreFixture.Pattern(16 * Mebi, 1), fua: true);
        volume.CreatePoint(null, PointConsistency.Crash, reason: null);
        StoreFixture.Write(volume, 64 * Mebi, StoreFixture.Pattern(16 * Mebi, 2), fua: true);
        string[] files = [.. volume.State.Layers.Select(layer => Layer.PathOf(volume.DirectoryPath, layer.Number))];
        await Tool.RunAsync("sync", files);
        foreach (var file in files)
        {
            await Tool.RunAsync("dd", $"if={file}", "iflag=nocache", "count=0", "status=none");
        }

        (await ResidentAsync(files[0])).ShouldBeLessThan(2 * Mebi);
        (await ResidentAsync(files[1])).ShouldBeLessThan(2 * Mebi);

        using var client = _stand.Server.Attach();
        client.Request(NbdCommand.Cache, 8 * Mebi, 120 * Mebi, 3); // From one layer, over a hole, into the other.
        client.SimpleReply(3).ShouldBe(NbdError.None);
        await Eventually.TrueAsync("the halves that were named are in memory", async () => await ResidentAsync(files[0]) is >= 8 * Mebi and < 14 * Mebi && await ResidentAsync(files[1]) >= 15 * Mebi);
    }

    [Fact]
    public void A_request_names_so_many_bytes_and_ranges_and_no_more()
    {
        using var store = new StoreFixture();
        var volume = store.Set.Create("v", 512L * Mebi);
        for (var at = 0; at < 160; at += 16)
        {
            StoreFixture.Write(volume, at * (long)Mebi, new byte[16 * Mebi].Select((_, i) => (byte)(i + 1)).ToArray());
        }

        using (var view = volume.OpenNow())
        {
            BlockPrefetch.Run(view.Map, new LayerTable(), 0, 160L * Mebi).ShouldBeLessThanOrEqualTo((int)(BlockPrefetch.MaxBytes / (16 * Mebi)) + 1);
            BlockPrefetch.Run(view.Map, new LayerTable(), 200L * Mebi, 100L * Mebi).ShouldBe(0);
        }

        // Every second block: as many ranges as blocks.
        for (var block = 0; block < 2 * BlockPrefetch.MaxRanges; block++)
        {
            StoreFixture.Write(volume, (200L * Mebi) + (block * 8192L), [1]);
        }

        using var scattered = volume.OpenNow();
        BlockPrefetch.Run(scattered.Map, new LayerTable(), 200L * Mebi, 64L * Mebi).ShouldBe(BlockPrefetch.MaxRanges);
    }

    [Fact]
    public void Beyond_the_end_is_an_error_and_a_hole_is_none()
    {
        using var client = _stand.Server.Attach();
        client.Request(NbdCommand.Cache, 0, 256 * Mebi, 3);
        client.SimpleReply(3).ShouldBe(NbdError.None);
        client.Request(NbdCommand.Cache, 1, 256 * Mebi, 4);
        client.SimpleReply(4).ShouldBe(NbdError.Invalid);
    }

    private static async Task<long> ResidentAsync(string path) =>
        long.Parse(await Tool.RunAsync("fincore", "--bytes", "--noheadings", "--output", "RES", path), NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture);
}
