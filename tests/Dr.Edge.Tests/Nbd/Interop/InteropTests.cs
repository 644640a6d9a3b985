using System.Text.Json;

namespace Dr.Edge.Tests.Nbd.Interop;

/// <summary>The clients that people use, against the server: on TCP where it matters, on the Unix socket else.</summary>
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
        volume.GetProperty("contexts").EnumerateArray().Select(context => context.GetString()).ShouldBe(["base:allocation"]);
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
    public async Task Nbdcopy_brings_an_image_in_and_out_over_several_connections()
    {
        await using var server = await NbdTestServer.StartAsync(new MemoryDevice(Size));
        var (source, copy) = (server.Scratch("source.img"), server.Scratch("copy.img"));
        await WriteImageAsync(source);
        await Tool.RunAsync("nbdcopy", "--connections=4", "--flush", source, server.Uri);
        server.Device.FlushCalls.ShouldBeGreaterThan(0);
        await Tool.RunAsync("nbdcopy", "--connections=4", server.TcpUri, copy);
        await Tool.RunAsync("cmp", source, copy);
    }

    [Fact]
    public async Task Qemu_img_sees_converts_and_compares()
    {
        await using var server = await NbdTestServer.StartAsync(new MemoryDevice(Size));
        var (source, copy) = (server.Scratch("source.img"), server.Scratch("copy.qcow2"));
        await WriteImageAsync(source);
        using var info = JsonDocument.Parse(await Tool.RunAsync("qemu-img", "info", "--output=json", server.TcpUri));
        info.RootElement.GetProperty("virtual-size").GetInt64().ShouldBe(Size);

        await Tool.RunAsync("qemu-img", "convert", "-n", "-f", "raw", "-O", "raw", source, server.Uri);
        await Tool.RunAsync("qemu-img", "compare", "-f", "raw", "-F", "raw", source, server.TcpUri);
        await Tool.RunAsync("qemu-img", "convert", "-f", "raw", "-O", "qcow2", server.Uri, copy);
        await Tool.RunAsync("qemu-img", "check", copy);
        await Tool.RunAsync("qemu-img", "compare", "-f", "raw", "-F", "qcow2", server.Uri, copy);
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

    [Theory]
    [InlineData("randwrite", "4k", 32)]
    [InlineData("randrw", "512", 8)]
    [InlineData("write", "256k", 8)]
    public async Task Fio_verifies_what_it_wrote(string pattern, string blockSize, int depth)
    {
        await using var server = await NbdTestServer.StartAsync(new MemoryDevice(Size));
        await Tool.RunAsync(
            "fio", "--name=verify", "--ioengine=nbd", $"--uri={server.Uri}", $"--rw={pattern}", $"--bs={blockSize}", $"--iodepth={depth}", "--size=64M", "--io_size=24M",
            "--verify=crc32c", "--verify_fatal=1", "--do_verify=1", "--randrepeat=1", "--end_fsync=1", "--output=/dev/null");
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
