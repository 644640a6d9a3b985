using Dr.Simulator.Live.Judging;

namespace Dr.EndToEnd.Tests.Crash;

/// <summary><c>dr-edge volume rebuild</c> as an operator uses it: what a real appliance left is damaged, looked at, rebuilt and compared.</summary>
[Collection("whole machine")]
public sealed class RebuildCommandTests : IDisposable
{
    private const int Blocks = 1024;
    private const int CopyBytes = 4096;
    private readonly string _folder = Directory.CreateTempSubdirectory("dr-rebuild-").FullName;

    public static TheoryData<string, string> Damages => new()
    {
        { "superblock copies", "superblock: " },
        { "manifest cut", "manifest: " },
        { "manifest garbage", "manifest: " },
        { "manifest gone and an index damaged", "manifest" },
    };

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Damages))]
    public async Task A_damaged_volume_is_explained_then_rebuilt_with_every_byte_and_point(string damage, string says)
    {
        var (volume, digests) = await LiveAsync();
        Damage(volume, damage);
        var name = File.Exists(Path.Combine(volume, "manifest")) ? "v" : Path.GetFileName(volume); // Without a manifest it is listed by its directory.
        await using var again = await EdgeProcess.StartAsync(_folder);
        (await again.RunAsync("volume", "list")).ShouldContain("damaged");
        var before = Digest(volume);
        var dry = await again.RunAsync("volume", "rebuild", name);
        dry.ShouldContain(says);
        dry.ShouldContain("Nothing was changed; --apply does it.");
        Digest(volume).ShouldBe(before, "without --apply nothing is changed");
        var applied = await again.RunAsync("volume", "rebuild", name, "--apply");
        applied.ShouldContain("v is rebuilt");
        applied.ShouldContain("dr-edge promote v --epoch");
        foreach (var (export, digest) in digests)
        {
            (await DigestAsync(again, export)).ShouldBe(digest, $"{damage}: {export}");
        }

        await again.RunAsync("verify", "v");
        await again.RunAsync("promote", "v", "--epoch", "5");
        Fill(again, 4);
        var (status, text) = await Repository.RunAsync(EdgeProcess.Program, ["volume", "rebuild", "v", "--control", again.Control], TimeSpan.FromSeconds(60));
        (status, text.Contains("is open", StringComparison.Ordinal)).ShouldBe((1, true), text);
    }

    /// <summary>What there is once more heals without anybody: the volume is served as before, and what was damaged is right again.</summary>
    [Theory]
    [InlineData("an index")]
    [InlineData("one superblock copy")]
    public async Task A_damage_that_heals_by_itself_is_no_reason_for_a_rebuild(string damage)
    {
        var (volume, digests) = await LiveAsync();
        var path = damage == "an index" ? Path.Combine(volume, "layers", "1.log") : Path.Combine(volume, "superblock");
        var before = File.ReadAllBytes(path);
        Damage(volume, damage);
        var (from, to) = damage == "an index" ? (IndexOf(before), before.Length) : (0, CopyBytes);
        File.ReadAllBytes(path)[from..to].ShouldNotBe(before[from..to]);
        await using var edge = await EdgeProcess.StartAsync(_folder);
        (await edge.RunAsync("volume", "list")).ShouldNotContain("damaged");
        foreach (var (export, digest) in digests)
        {
            (await DigestAsync(edge, export)).ShouldBe(digest, $"{damage}: {export}");
        }

        await edge.RunAsync("verify", "v");
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!IsHealed())
        {
            limit.IsCancellationRequested.ShouldBeFalse($"{damage} was not made again within a minute");
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }

        Fill(edge, 4);

        // An index is the same byte for byte; the copies of the superblock are alike again.
        bool IsHealed() => File.ReadAllBytes(path) is var now && (damage == "an index"
            ? now.Length > from && now[from..(from + IndexBytes(before))].AsSpan().SequenceEqual(before.AsSpan(from, IndexBytes(before)))
            : now.AsSpan(0, CopyBytes).SequenceEqual(now.AsSpan(CopyBytes, CopyBytes)) && now.AsSpan(0, 4).SequenceEqual(before.AsSpan(0, 4)));
    }

    /// <summary>Three points and writes behind them, then kill -9: the volume's directory, and what every export held.</summary>
    private async Task<(string Volume, Dictionary<string, string> Digests)> LiveAsync()
    {
        var digests = new Dictionary<string, string>(StringComparer.Ordinal);
        await using var edge = await EdgeProcess.StartAsync(_folder);
        await edge.RunAsync("volume", "create", "v", "--size", $"{Blocks * VerifyingLoad.BlockBytes / 1024}KiB");
        var volume = Directory.GetDirectories(Path.Combine(_folder, "data", "volumes")).ShouldHaveSingleItem();
        for (var i = 0; i < 3; i++)
        {
            Fill(edge, i);
            var id = (await edge.RunAsync("point", "create", "v", "--label", $"p{i}")).Split('\n')[0].Trim();
            digests[$"v@{id}"] = await DigestAsync(edge, $"v@{id}");
        }

        Fill(edge, 3);
        digests["v"] = await DigestAsync(edge, "v");
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (IndexOf(File.ReadAllBytes(Path.Combine(volume, "layers", "1.log"))) < 0)
        {
            limit.IsCancellationRequested.ShouldBeFalse("the first layer got no index within a minute");
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }

        await edge.KillAsync();
        return (volume, digests);
    }

    private static int IndexOf(byte[] layer) => layer.AsSpan().LastIndexOf("DRI1"u8);

    /// <summary>Header and entries; behind them lies a copy of a record, which may be a newer one afterwards.</summary>
    private static int IndexBytes(byte[] layer) => 40 + (24 * (int)System.Buffers.Binary.BinaryPrimitives.ReadInt64LittleEndian(layer.AsSpan(IndexOf(layer) + 16)));

    private static void Fill(EdgeProcess edge, int seed)
    {
        using var client = new NbdClient(edge.NbdSocket, "v");
        var random = new Random(seed);
        var data = new byte[VerifyingLoad.BlockBytes];
        for (var i = 1ul; i <= 200; i++)
        {
            random.NextBytes(data);
            client.SendWrite(i, random.Next(Blocks) * (long)data.Length, data);
            client.ReceiveAnswer().ShouldBe(i);
        }

        client.SendFlush(1000);
        client.ReceiveAnswer().ShouldBe(1000ul);
    }

    /// <summary>Where the records of a manifest end: behind them lies room that is zeros.</summary>
    private static int RecordsOf(byte[] manifest) => Array.FindLastIndex(manifest, b => b != 0) + 1;

    private static void Damage(string volume, string damage)
    {
        var manifest = Path.Combine(volume, "manifest");
        switch (damage)
        {
            case "superblock copies":
                using (var file = File.OpenWrite(Path.Combine(volume, "superblock")))
                {
                    file.Write(new byte[3 * CopyBytes]);
                }

                break;
            case "manifest cut":
                var length = RecordsOf(File.ReadAllBytes(manifest));
                using (var file = File.OpenWrite(manifest))
                {
                    file.SetLength(length * 2 / 3);
                }

                break;
            case "manifest garbage":
                var garbage = File.ReadAllBytes(manifest);
                new Random(1).NextBytes(garbage.AsSpan(RecordsOf(garbage) / 2));
                File.WriteAllBytes(manifest, garbage);
                break;
            case "one superblock copy":
                using (var file = File.OpenWrite(Path.Combine(volume, "superblock")))
                {
                    file.Write(new byte[CopyBytes]);
                }

                break;
            case "an index":
                DamageIndex(volume);
                break;
            default:
                File.Delete(manifest);
                DamageIndex(volume);
                break;
        }
    }

    private static void DamageIndex(string volume)
    {
        var layer = Path.Combine(volume, "layers", "1.log");
        var content = File.ReadAllBytes(layer);
        foreach (ref var one in content.AsSpan(IndexOf(content) + 60, 8))
        {
            one ^= 0x55;
        }

        File.WriteAllBytes(layer, content);
    }

    private static string Digest(string folder) => string.Join('\n', Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
        .Select(path => $"{path} {Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(path)))}"));

    private static async Task<string> DigestAsync(EdgeProcess edge, string export)
    {
        var (status, text) = await Repository.RunAsync("/bin/bash", ["-o", "pipefail", "-c", $"nbdcopy '{edge.Uri(export)}' - | sha256sum"], TimeSpan.FromSeconds(60));
        status.ShouldBe(0, text);
        return text.Split(' ')[0];
    }
}
