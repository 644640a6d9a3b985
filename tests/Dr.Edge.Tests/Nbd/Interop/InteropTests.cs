using System.Text.Json;

namespace Dr.Edge.Tests.Nbd.Interop;

/// <summary>The clients that people use, against the server: on TCP where it matters, on the Unix socket else; on the real store but for what only looks at the server.</summary>
public sealed class InteropTests
{
    private const int Size = 64 * 1024 * 1024;

    [Fact]
    public async Task Nbdinfo_lists_exports_with_their_descriptions_and_shows_what_they_can_do()
    {
        await using var server = await NbdTestServer.StartAsync(new MemoryDevice(Size));
        server.Catalog.Add("volume@p1", new MemoryDevice(Size, isReadOnly: true));

        using var list = JsonDocument.Parse(await Tool.RunAsync("nbdinfo", "--list", "--json", $"nbd://{server.Tcp}"));
        var exports = list.RootElement.GetProperty("exports").EnumerateArray().ToDictionary(export => export.GetProperty("export-name").GetString()!, StringComparer.Ordinal);
        exports.Keys.ShouldBe(["volume", "volume@p1"], ignoreOrder: true);
        exports["volume"].GetProperty("description").GetString().ShouldBe("volume in memory");
        exports["volume"].GetProperty("export-size").GetInt64().ShouldBe(Size);
        exports["volume"].GetProperty("is_read_only").GetBoolean().ShouldBeFalse();
        exports["volume@p1"].GetProperty("is_read_only").GetBoolean().ShouldBeTrue();

        using var info = JsonDocument.Parse(await Tool.RunAsync("nbdinfo", "--json", server.Uri));
        var volume = info.RootElement.GetProperty("exports")[0];
        info.RootElement.GetProperty("structured").GetBoolean().ShouldBeTrue();
        foreach (var ability in new[] { "can_multi_conn", "can_flush", "can_fua", "can_trim", "can_zero", "can_cache", "can_df", "can_fast_zero" })
        {
            volume.GetProperty(ability).GetBoolean().ShouldBeTrue(ability);
        }

        volume.GetProperty("block_size_minimum").GetInt64().ShouldBe(1);
        volume.GetProperty("block_size_preferred").GetInt64().ShouldBe(4096);
        volume.GetProperty("block_size_maximum").GetInt64().ShouldBe(32 * 1024 * 1024);
        volume.GetProperty("contexts").EnumerateArray().Select(context => context.GetString()).ShouldBe(["base:allocation", "qemu:allocation-depth"]);
    }

    [Fact]
    public async Task Nbdinfo_map_shows_data_where_data_are()
    {
        await using var server = await NbdTestServer.StartAsync(new MemoryDevice(Size));
        server.Device.Content.AsSpan(8 * 1024 * 1024, 1024 * 1024).Fill(1);
        using var map = JsonDocument.Parse(await Tool.RunAsync("nbdinfo", "--map", "--json", server.Uri));
        map.RootElement.EnumerateArray().Select(run => (run.GetProperty("offset").GetInt64(), run.GetProperty("length").GetInt64(), run.GetProperty("type").GetInt64())).ShouldBe(
            [(0L, 8 * 1024 * 1024L, 3L), (8 * 1024 * 1024L, 1024 * 1024L, 0L), (9 * 1024 * 1024L, Size - (9 * 1024 * 1024L), 3L)]);
    }

    [Fact]
    public async Task Images_go_in_and_out_with_nbdcopy_and_qemu_img_and_compare_equal_also_at_a_point()
    {
        await using var stand = await StoreServer.StartAsync(Size);
        var server = stand.Server;
        var (source, copy, second) = (server.Scratch("source.img"), server.Scratch("copy.img"), server.Scratch("copy.qcow2"));
        await WriteImageAsync(source);
        await Tool.RunAsync("nbdcopy", "--connections=4", "--flush", source, stand.Uri("volume"));
        await Tool.RunAsync("nbdcopy", "--connections=4", server.TcpUri, copy);
        await Tool.RunAsync("cmp", source, copy);
        using var info = JsonDocument.Parse(await Tool.RunAsync("qemu-img", "info", "--output=json", server.TcpUri));
        info.RootElement.GetProperty("virtual-size").GetInt64().ShouldBe(Size);

        var point = stand.Volume.CreatePoint("image", Dr.Contracts.Mqtt.PointConsistency.Crash, reason: null);
        await Tool.RunAsync("qemu-img", "bench", "-w", "-f", "raw", "-c", "2000", "-d", "16", "-s", "4096", "--flush-interval=200", stand.Uri("volume"));
        (await Tool.TryRunAsync("qemu-img", "compare", "-f", "raw", "-F", "raw", source, stand.Uri("volume"))).ExitCode.ShouldBe(1, "the benchmark's writes were not seen");
        var view = stand.Uri($"volume@{point.Id}");
        await Tool.RunAsync("qemu-img", "compare", "-f", "raw", "-F", "raw", source, view);
        await Tool.RunAsync("qemu-img", "convert", "-f", "raw", "-O", "qcow2", view, second);
        await Tool.RunAsync("qemu-img", "check", second);
        await Tool.RunAsync("qemu-img", "convert", "-n", "-f", "qcow2", "-O", "raw", second, stand.Uri("volume"));
        await Tool.RunAsync("qemu-img", "compare", "-f", "raw", "-F", "raw", stand.Uri("volume"), view);
    }

    [Fact]
    public async Task Holes_that_the_tools_see_are_those_of_the_store()
    {
        await using var stand = await StoreServer.StartAsync(Size);
        await Tool.RunAsync("qemu-io", "-f", "raw", "-c", "write -P 7 8M 1M", "-c", "write -z 8M 64k", "-c", "discard 8896k 64k", "-c", "write -f -P 7 20M 4k", stand.Uri("volume"));
        using var nbdinfo = JsonDocument.Parse(await Tool.RunAsync("nbdinfo", "--map", "--json", stand.Uri("volume")));
        nbdinfo.RootElement.EnumerateArray().Select(run => (run.GetProperty("offset").GetInt64() / 1024, run.GetProperty("length").GetInt64() / 1024, run.GetProperty("type").GetInt64() == 3)).ShouldBe(
            [(0L, 8256L, true), (8256L, 640L, false), (8896L, 64L, true), (8960L, 256L, false), (9216L, 11264L, true), (20480L, 4L, false), (20484L, (Size / 1024) - 20484, true)]);
        using var qemu = JsonDocument.Parse(await Tool.RunAsync("qemu-img", "map", "--output=json", "-f", "raw", stand.Server.TcpUri));
        qemu.RootElement.EnumerateArray().Where(run => run.GetProperty("data").GetBoolean()).Select(run => (run.GetProperty("start").GetInt64() / 1024, run.GetProperty("length").GetInt64() / 1024)).ShouldBe(
            [(8256L, 640L), (8960L, 256L), (20480L, 4L)]);
    }

    [Fact]
    public async Task Qemu_io_writes_zeroes_discards_and_reads_back()
    {
        await using var server = await NbdTestServer.StartAsync(new MemoryDevice(Size));
        var output = await Tool.RunAsync(
            "qemu-io",
            "-f",
            "raw",
            "-c",
            "write -P 0xab 1M 2M",
            "-c",
            "write -f -P 0xcd 1000 512",
            "-c",
            "write -z 1536k 64k",
            "-c",
            "discard 2M 64k",
            "-c",
            "flush",
            "-c",
            "read -P 0xab 1M 512k",
            "-c",
            "read -P 0 1536k 64k",
            "-c",
            "read -P 0 2M 64k",
            "-c",
            "read -P 0xcd 1000 512",
            "-c",
            "aio_write -P 0x11 8M 1M",
            "-c",
            "aio_read -P 0xab 2176k 512k",
            "-c",
            "aio_flush",
            server.Uri);
        output.ShouldNotContain("Pattern verification failed");
        server.Device.Content[1000].ShouldBe((byte)0xcd);
    }

    private static async Task WriteImageAsync(string path)
    {
        var image = new byte[Size];
        var random = new Random(5);
        for (var offset = 0; offset < Size; offset += 2 * 1024 * 1024)
        {
            random.NextBytes(image.AsSpan(offset, 700_000));
        }

        await File.WriteAllBytesAsync(path, image);
    }
}
