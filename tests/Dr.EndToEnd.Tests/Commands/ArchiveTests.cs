using System.Globalization;
using System.Text.Json;

namespace Dr.EndToEnd.Tests.Commands;

/// <summary>
/// <c>dr-edge archive</c> against a real dr-edge: killed and cancelled at work, damaged, repeated. The steps follow each other, as each needs what the one before left. DR_TRANSFER_KILLS=N: N kills each.
/// </summary>
[Collection("whole machine")]
public sealed class ArchiveTests : IDisposable
{
    private const int MiB = 1 << 20;
    private const int DataMiB = 48;
    private static readonly int Rounds = int.Parse(Environment.GetEnvironmentVariable("DR_TRANSFER_KILLS") ?? "1", CultureInfo.InvariantCulture);
    private readonly string _folder = Directory.CreateTempSubdirectory("dr-archives-").FullName;
    private readonly Random _random = new(3);
    private EdgeProcess _edge = null!;

    private string Image => Path.Combine(_folder, "image.raw");

    private string Medium => Path.Combine(_folder, "medium");

    private string Key => Path.Combine(_folder, "key");

    [Fact]
    public async Task Archives_survive_kills_cancels_and_damage_and_bring_back_what_was_archived()
    {
        WriteImage();
        Directory.CreateDirectory(Medium);
        await LocalAsync(0, "archive", "new-key", Key);
        _edge = await EdgeProcess.StartAsync(_folder);
        try
        {
            await _edge.RunAsync("volume", "create", "v", "--size", $"{DataMiB * 2}MiB", "--points-every", "off");
            await _edge.RunAsync("import", Image, "v");
            await _edge.RunAsync("point", "create", "v", "--label", "here");
            await CreateAsync();
            await DamageAsync();
            await RestoreAsync();
        }
        finally
        {
            await _edge.DisposeAsync();
        }

        // Where nothing else is left: no running dr-edge, only the medium and the key.
        await LocalAsync(0, "archive", "restore", Medium, "--image", Path.Combine(_folder, "late.raw"), "--encrypt-key-file", Key);
        await ShouldBeSameAsync(Image, Path.Combine(_folder, "late.raw"));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private async Task CreateAsync()
    {
        string[] create = ["archive", "create", "v", "here", "--to", Medium, "--name", "a", "--part-size", "4MiB", "--compress", "--encrypt-key-file", Key];
        for (var round = 0; round < Rounds; round++)
        {
            await Interruption.RunAsync(_edge, create, MediumBytes, Within(), () => _edge.KillAsync());
            await _edge.DisposeAsync();
            _edge = await EdgeProcess.StartAsync(_folder);
            if (File.Exists(Path.Combine(Medium, "a.catalogue")))
            {
                // It was done before the kill came.
                Empty();
            }
        }

        await Interruption.CancelAndRepeatAsync(_edge, create, MediumBytes, Within, Empty);
        Directory.GetFiles(Medium, "*.partial*").ShouldBeEmpty();
        (await LocalAsync(0, "archive", "verify", Medium, "--key-file", Key)).ShouldContain("all as written");
        using var list = JsonDocument.Parse(await LocalAsync(0, "archive", "list", Medium, "--json"));
        var archive = list.RootElement[0];
        archive.GetProperty("gaps").GetArrayLength().ShouldBe(0);
        archive.GetProperty("description").GetProperty("label").GetString().ShouldBe("here");
        archive.GetProperty("parts").GetInt32().ShouldBeGreaterThan(5);
        MediumBytes().ShouldBeLessThan((DataMiB + 1L) * MiB, "holes became data");
        (await _edge.TryAsync(create)).Output.ShouldContain("it is whole");
    }

    private async Task DamageAsync()
    {
        var part = Path.Combine(Medium, "a.0004.drarchive");
        var good = await File.ReadAllBytesAsync(part);
        var bad = (byte[])good.Clone();
        bad[bad.Length / 2] ^= 4;
        await File.WriteAllBytesAsync(part, bad);
        (await LocalAsync(1, "archive", "verify", Medium, "--key-file", Key)).ShouldContain(part);
        (await LocalAsync(1, "archive", "verify", Medium)).ShouldContain("by checksums alone");
        var (status, output) = await _edge.TryAsync("archive", "restore", Medium, "--volume", "w", "--key-file", Key);
        (status, output.Contains(part, StringComparison.Ordinal), output.Contains("--salvage", StringComparison.Ordinal)).ShouldBe((1, true, true), output);
        (await LocalAsync(1, "archive", "restore", Medium, "--image", Path.Combine(_folder, "saved.raw"), "--salvage", "--key-file", Key)).ShouldContain("are zeros in");
        await File.WriteAllBytesAsync(part, good);

        // What the refused attempt had done counts.
        (await _edge.RunAsync("archive", "restore", Medium, "--volume", "w", "--key-file", Key)).ShouldContain("went on at");
        await ShouldBeSameAsync(Image, _edge.Uri("w"));
        await _edge.RunAsync("volume", "delete", "w");
        (await LocalAsync(1, "archive", "restore", Medium, "--image", Path.Combine(_folder, "x.raw"))).ShouldContain("--encrypt-key-file");
        (await _edge.TryAsync("archive", "restore", Medium, "--volume", "v", "--key-file", Key)).Output.ShouldContain("already");
    }

    private async Task RestoreAsync()
    {
        string[] restore = ["archive", "restore", Medium, "--volume", "w", "--encrypt-key-file", Key];
        for (var round = 0; round < Rounds; round++)
        {
            await Interruption.RunAsync(_edge, restore, StoreBytes, Within(), () => _edge.KillAsync());
            await _edge.DisposeAsync();
            _edge = await EdgeProcess.StartAsync(_folder);
            if ((await _edge.RunAsync("volume", "list", "--json")).Contains("\"w\"", StringComparison.Ordinal))
            {
                await ShouldBeSameAsync(Image, _edge.Uri("w"));
                await _edge.RunAsync("volume", "delete", "w");
            }
        }

        var (status, output) = await Interruption.RunAsync(_edge, restore, StoreBytes, Within(), kill: null);
        (status == 0 || output.Contains("Cancelled", StringComparison.Ordinal)).ShouldBeTrue(output);
        if (status != 0)
        {
            // Cancelled at once it had made nothing; else what it made says that it is not whole.
            (await _edge.RunAsync("volume", "list", "--json")).ShouldNotContain("\"w\"");
            await _edge.RunAsync(restore);
        }

        await ShouldBeSameAsync(Image, _edge.Uri("w"));
        (await _edge.RunAsync("volume", "list", "--json")).ShouldNotContain("restoring");
    }

    private void Empty()
    {
        foreach (var file in Directory.GetFiles(Medium))
        {
            File.Delete(file);
        }
    }

    private long Within() => (long)(MiB * (6 + (_random.NextDouble() * DataMiB / 4)));

    private long MediumBytes() => Directory.GetFiles(Medium).Sum(LengthOf);

    private long StoreBytes() => Directory.GetFiles(Path.Combine(_folder, "data", "volumes"), "*.log", SearchOption.AllDirectories).Sum(LengthOf);

    private static long LengthOf(string path) => new FileInfo(path) is { Exists: true } file ? file.Length : 0;

    private static async Task<string> LocalAsync(int expected, params string[] arguments)
    {
        var (status, output) = await Repository.RunAsync(EdgeProcess.Program, arguments, TimeSpan.FromSeconds(60));
        status.ShouldBe(expected, output);
        return output;
    }

    private static async Task ShouldBeSameAsync(string one, string other)
    {
        var (status, output) = await Repository.RunAsync("/usr/bin/qemu-img", ["compare", "-f", "raw", "-F", "raw", one, other], TimeSpan.FromSeconds(60));
        status.ShouldBe(0, output);
    }

    /// <summary>Data with a hole in its middle and half the volume behind it.</summary>
    private void WriteImage()
    {
        using var image = File.Create(Image);
        var data = new byte[MiB];
        for (var at = 0; at < DataMiB; at++)
        {
            _random.NextBytes(data);
            image.Position = (long)(at < DataMiB / 2 ? at : at + (DataMiB / 2)) * MiB;
            image.Write(data);
        }

        image.SetLength(DataMiB * 2L * MiB);
    }
}
