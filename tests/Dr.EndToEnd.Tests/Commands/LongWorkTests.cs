using System.Globalization;
using System.Text.Json;

namespace Dr.EndToEnd.Tests.Commands;

/// <summary>
/// The commands that take a while, against a real dr-edge: killed, stopped with Ctrl-C, repeated, watched on a terminal; and what an operator looks at beside them. The steps follow each other, as each needs what the one before left.
/// DR_TRANSFER_KILLS=N: N kills each with 700 MiB instead of one with 32.
/// </summary>
[Collection("whole machine")]
public sealed class LongWorkTests : IDisposable
{
    private const int MiB = 1 << 20;
    private readonly int _rounds = int.Parse(Environment.GetEnvironmentVariable("DR_TRANSFER_KILLS") ?? "1", CultureInfo.InvariantCulture);
    private readonly int _dataMiB = Environment.GetEnvironmentVariable("DR_TRANSFER_KILLS") is null ? 32 : 700;
    private readonly string _folder = Directory.CreateTempSubdirectory("dr-long-").FullName;
    private readonly Random _random = new(3);
    private EdgeProcess _edge = null!;

    private string Image => Path.Combine(_folder, "image.raw");

    private string Exported => Path.Combine(_folder, "exported.raw");

    [Fact]
    public async Task Imports_exports_and_restores_survive_kills_and_cancels_and_the_operator_sees_what_happens()
    {
        WriteImage();
        _edge = await EdgeProcess.StartAsync(_folder);
        try
        {
            await _edge.RunAsync("volume", "create", "v", "--size", $"{_dataMiB * 2}MiB", "--points-every", "off");
            await ImportAsync();
            await ExportAsync();
            await RestoreAsync();
            await LookAsync();
        }
        finally
        {
            await _edge.DisposeAsync();
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private async Task ImportAsync()
    {
        for (var round = 0; round < _rounds; round++)
        {
            await InterruptAsync(["import", Image, "v"], StoreBytes, () => _edge.KillAsync());
            await _edge.DisposeAsync();
            _edge = await EdgeProcess.StartAsync(_folder);
        }

        await CancelAndRepeatAsync(["import", Image, "v"], StoreBytes);
        await ShouldBeSameAsync(Image, _edge.Uri("v"));
        await _edge.RunAsync("point", "create", "v", "--label", "imported");
    }

    private async Task ExportAsync()
    {
        for (var round = 0; round < _rounds; round++)
        {
            await InterruptAsync(["export", "v@imported", Exported], () => LengthOf($"{Exported}.part"), () => _edge.KillAsync());
            if (File.Exists(Exported))
            {
                // It was done before the kill came; one that was cut off must not look like it.
                await ShouldBeSameAsync(Image, Exported);
                File.Delete(Exported);
            }

            await _edge.DisposeAsync();
            _edge = await EdgeProcess.StartAsync(_folder);
        }

        await CancelAndRepeatAsync(["export", "v@imported", Exported], () => LengthOf($"{Exported}.part"));
        await ShouldBeSameAsync(Image, Exported);
        Directory.GetFiles(_folder, "*.part*").ShouldBeEmpty();
        (await DiskBytesAsync(Exported)).ShouldBeLessThan((_dataMiB + 4L) * MiB, "holes became data");

        // Replaced only by a whole one.
        await _edge.RunAsync("export", "v", Exported);
        await ShouldBeSameAsync(Image, Exported);
    }

    private async Task RestoreAsync()
    {
        await QemuIoAsync($"write -P 9 0 {_dataMiB}M");
        var output = "";
        for (var attempt = 0; attempt < Interruption.Attempts && !output.Contains("v is as it was before", StringComparison.Ordinal); attempt++)
        {
            (var status, output) = await InterruptAsync(["restore", "v", "--at", "imported"], StoreBytes, kill: null);
            if (status == 0)
            {
                await _edge.RunAsync("restore", "v", "--undo");
            }
        }

        output.ShouldContain("v is as it was before");
        await QemuIoAsync($"read -P 9 0 {_dataMiB}M");

        // On a terminal, where the bar shows; util-linux' script is one.
        var (shown, seen) = await Repository.RunAsync("/usr/bin/script", ["-qec", $"{EdgeProcess.Program} restore v --at imported --control {_edge.Control}", "/dev/null"], TimeSpan.FromSeconds(60));
        shown.ShouldBe(0, seen);
        seen.ShouldContain("%");
        await ShouldBeSameAsync(Image, _edge.Uri("v"));
        (await _edge.RunAsync("restore", "v", "--undo")).ShouldNotContain("%", customMessage: "a progress bar where there is no terminal");
        await QemuIoAsync($"read -P 9 0 {_dataMiB}M");
    }

    private async Task LookAsync()
    {
        await _edge.RunAsync("volume", "create", "w", "--size", "8MiB");
        var group = await _edge.RunAsync("point", "create", "v", "w", "--label", "both", "--json");
        JsonDocument.Parse(group).RootElement.GetProperty("points").GetArrayLength().ShouldBe(2);
        var shown = await Task.WhenAll(
            _edge.RunAsync("point", "list", "v", "--json"),
            _edge.RunAsync("verify", "v"),
            _edge.RunAsync("scrub", "start", "v"),
            _edge.RunAsync("space", "--json"),
            _edge.RunAsync("volume", "set", "v", "--points-every", "10m", "--fine-window", "2h", "--json"));
        using var points = JsonDocument.Parse(shown[0]);
        points.RootElement.EnumerateArray().Select(point => point.TryGetProperty("label", out var label) ? label.GetString() : null).ShouldContain("before restore");
        shown[1].ShouldContain("all as written");
        shown[2].ShouldContain("running");
        JsonDocument.Parse(shown[3]).RootElement.GetProperty("volumes").GetArrayLength().ShouldBe(2);
        JsonDocument.Parse(shown[4]).RootElement.GetProperty("pointsEvery").GetString().ShouldBe("10m");
    }

    private Task CancelAndRepeatAsync(string[] arguments, Func<long> progress) => Interruption.CancelAndRepeatAsync(_edge, arguments, progress, Within);

    private Task<(int Status, string Output)> InterruptAsync(string[] arguments, Func<long> progress, Func<Task>? kill) => Interruption.RunAsync(_edge, arguments, progress, Within(), kill);

    /// <summary>How much of the work is let be done before it is cut off.</summary>
    private long Within() => (long)(MiB * (1 + (_random.NextDouble() * _dataMiB / 4)));

    private long StoreBytes() => Directory.GetFiles(Path.Combine(_folder, "data", "volumes"), "*.log", SearchOption.AllDirectories).Sum(LengthOf);

    private static long LengthOf(string path) => new FileInfo(path) is { Exists: true } file ? file.Length : 0;

    private static async Task<long> DiskBytesAsync(string path) =>
        long.Parse((await Repository.RunAsync("/usr/bin/du", ["--block-size=1", path], TimeSpan.FromSeconds(10))).Output.Split('\t')[0], CultureInfo.InvariantCulture);

    private static async Task ShouldBeSameAsync(string one, string other)
    {
        var (status, output) = await Repository.RunAsync("/usr/bin/qemu-img", ["compare", "-f", "raw", "-F", "raw", one, other], TimeSpan.FromSeconds(60));
        status.ShouldBe(0, output);
    }

    private async Task QemuIoAsync(string command)
    {
        var (status, output) = await Repository.RunAsync("/usr/bin/qemu-io", ["-f", "raw", "-c", command, "-c", "flush", _edge.Uri("v")], TimeSpan.FromSeconds(60));
        (status, output.Contains("failed", StringComparison.Ordinal)).ShouldBe((0, false), output);
    }

    /// <summary>Data with a hole in its middle and half the volume behind it.</summary>
    private void WriteImage()
    {
        using var image = File.Create(Image);
        var data = new byte[MiB];
        for (var at = 0; at < _dataMiB; at++)
        {
            _random.NextBytes(data);
            image.Position = (long)(at < _dataMiB / 2 ? at : at + (_dataMiB / 2)) * MiB;
            image.Write(data);
        }

        image.SetLength(_dataMiB * 2L * MiB);
    }
}
