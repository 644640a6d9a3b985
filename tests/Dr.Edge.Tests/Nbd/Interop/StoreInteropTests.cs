using System.Text.Json;
using Dr.Contracts.Mqtt;
using Dr.Edge.Volumes;

namespace Dr.Edge.Tests.Nbd.Interop;

/// <summary>Real clients against the real store: what they wrote is there after the store was closed and opened again, and points stay as they were.</summary>
public sealed class StoreInteropTests : IDisposable
{
    private const long Size = 256L * 1024 * 1024;

    private readonly string _directory = Directory.CreateTempSubdirectory("dr-store-").FullName;
    private VolumeSet _store;

    public StoreInteropTests()
    {
        _store = VolumeSet.Open(_directory, TimeProvider.System);
        _store.Create("volume", Size);
    }

    public void Dispose()
    {
        _store.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Theory]
    [InlineData("randwrite", "4k", 32)]
    [InlineData("randrw", "512", 8)]
    [InlineData("write", "256k", 8)]
    public async Task Fio_verifies_what_it_wrote_also_after_a_restart(string pattern, string blockSize, int depth)
    {
        string[] arguments = ["--name=verify", "--ioengine=nbd", $"--rw={pattern}", $"--bs={blockSize}", $"--iodepth={depth}", "--size=64M", "--io_size=16M", "--verify=crc32c", "--verify_fatal=1", "--randseed=3", "--end_fsync=1", "--output=/dev/null"];
        await using (var server = await NbdTestServer.StartAsync(_store))
        {
            await Tool.RunAsync("fio", [.. arguments, $"--uri={server.Uri}"]);
        }

        Reopen();
        await using var again = await NbdTestServer.StartAsync(_store);
        if (pattern != "randrw")
        {
            await Tool.RunAsync("fio", [.. arguments, $"--uri={again.Uri}", "--verify_only"]);
        }
    }

    [Fact]
    public async Task A_point_is_listed_read_only_and_stays_while_the_volume_changes()
    {
        await using var server = await NbdTestServer.StartAsync(_store);
        await Tool.RunAsync("qemu-io", "-f", "raw", "-c", "write -P 0x11 1M 3M", "-c", "flush", server.Uri);
        var point = _store.Get("volume").CreatePoint("before", PointConsistency.Crash, reason: null);
        await Tool.RunAsync("qemu-io", "-f", "raw", "-c", "write -P 0x22 2M 4M", "-c", "discard 1M 64k", "-c", "flush", server.Uri);

        using var list = JsonDocument.Parse(await Tool.RunAsync("nbdinfo", "--list", "--json", $"nbd://{server.Tcp}"));
        var exports = list.RootElement.GetProperty("exports").EnumerateArray().ToDictionary(export => export.GetProperty("export-name").GetString()!, StringComparer.Ordinal);
        var name = exports.Keys.Single(key => key.StartsWith("volume@", StringComparison.Ordinal));
        exports[name].GetProperty("is_read_only").GetBoolean().ShouldBeTrue();
        name.ShouldContain(point.Id.ToString());

        var view = $"nbd+unix:///{name}?socket={server.SocketPath}";
        await Tool.RunAsync("qemu-io", "-r", "-f", "raw", "-c", "read -P 0x11 1M 3M", "-c", "read -P 0 4M 4M", view);
        await Tool.RunAsync("qemu-io", "-f", "raw", "-c", "read -P 0x22 2M 4M", "-c", "read -P 0 1M 64k", server.Uri);
    }

    private void Reopen()
    {
        _store.Dispose();
        _store = VolumeSet.Open(_directory, TimeProvider.System);
    }
}
