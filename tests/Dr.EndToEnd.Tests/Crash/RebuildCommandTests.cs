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
    };

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Damages))]
    public async Task A_damaged_volume_is_explained_then_rebuilt_with_every_byte_and_point(string damage, string says)
    {
        var digests = new Dictionary<string, string>(StringComparer.Ordinal);
        string volume;
        await using (var edge = await EdgeProcess.StartAsync(_folder))
        {
            await edge.RunAsync("volume", "create", "v", "--size", $"{Blocks * VerifyingLoad.BlockBytes / 1024}KiB");
            volume = Directory.GetDirectories(Path.Combine(_folder, "data", "volumes")).ShouldHaveSingleItem();
            for (var i = 0; i < 3; i++)
            {
                Fill(edge, i);
                var id = (await edge.RunAsync("point", "create", "v", "--label", $"p{i}")).Split('\n')[0].Trim();
                digests[$"v@{id}"] = await DigestAsync(edge, $"v@{id}");
            }

            Fill(edge, 3);
            digests["v"] = await DigestAsync(edge, "v");
            await edge.KillAsync();
        }

        Damage(volume, damage);
        await using var again = await EdgeProcess.StartAsync(_folder);
        (await again.RunAsync("volume", "list")).ShouldContain("damaged");
        var before = Digest(volume);
        var dry = await again.RunAsync("volume", "rebuild", "v");
        dry.ShouldContain(says);
        dry.ShouldContain("Nothing was changed; --apply does it.");
        Digest(volume).ShouldBe(before, "without --apply nothing is changed");
        var applied = await again.RunAsync("volume", "rebuild", "v", "--apply");
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
                using (var file = File.OpenWrite(manifest))
                {
                    file.SetLength(file.Length * 2 / 3);
                }

                break;
            case "manifest garbage":
                var garbage = File.ReadAllBytes(manifest);
                new Random(1).NextBytes(garbage.AsSpan(garbage.Length / 2));
                File.WriteAllBytes(manifest, garbage);
                break;
            default:
                File.Delete(manifest);
                var layer = Path.Combine(volume, "layers", "1.log");
                var content = File.ReadAllBytes(layer);
                content.AsSpan(content.AsSpan().LastIndexOf("DRI1"u8) + 60, 8).Clear();
                File.WriteAllBytes(layer, content);
                break;
        }
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
