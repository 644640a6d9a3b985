using System.Globalization;

namespace Dr.EndToEnd.Tests.Crash;

/// <summary>
/// <c>kill -9</c> of a real dr-edge under a real client's load: fio keeps the list of what was answered (its verify state), and after the restart reads all of it back.
/// Points taken before must read exactly as they did. <c>DR_KILL_ROUNDS</c> sets the number of kills.
/// </summary>
[Collection("whole machine")]
public sealed class KilledUnderFioTests(ITestOutputHelper output) : IDisposable
{
    private const int KeptPoints = 8;
    private readonly string _folder = Directory.CreateTempSubdirectory("dr-kill-").FullName;

    private static int Rounds => int.TryParse(Environment.GetEnvironmentVariable("DR_KILL_ROUNDS"), NumberStyles.None, CultureInfo.InvariantCulture, out var rounds) ? rounds : 5;

    [Fact]
    public async Task Nothing_answered_is_lost_and_no_point_changes()
    {
        var random = new Random(20260101);
        var points = new Queue<(string Id, string Digest)>();
        var edge = await EdgeProcess.StartAsync(_folder);
        try
        {
            await edge.RunAsync("volume", "create", "v", "--size", "128MiB");
            for (var round = 1; round <= Rounds; round++)
            {
                var point = (await edge.RunAsync("point", "create", "v", "--label", $"round {round}")).Split('\n')[0].Trim();
                points.Enqueue((point, await DigestAsync(edge, point)));
                var load = FioAsync(round, edge, verify: false);
                await Task.Delay(random.Next(30, 900));
                await edge.DisposeAsync();
                var (_, said) = await load;

                edge = await EdgeProcess.StartAsync(_folder);
                if (File.Exists(StatePath(round)))
                {
                    var (status, text) = await FioAsync(round, edge, verify: true);
                    status.ShouldBe(0, $"round {round}: what was answered before the kill does not read back:\n{text}\n{said}");
                }

                while (points.Count > KeptPoints)
                {
                    await edge.RunAsync("point", "delete", "v", points.Dequeue().Id);
                }

                foreach (var (id, digest) in points)
                {
                    (await DigestAsync(edge, id)).ShouldBe(digest, $"round {round}: point {id} reads differently after the kill");
                }

                File.Delete(StatePath(round));
            }

            output.WriteLine($"{Rounds} kills; volume and {points.Count} points intact");
            await edge.RunAsync("verify", "v");
        }
        finally
        {
            await edge.DisposeAsync();
        }
    }

    /// <summary>The checker above must itself be able to fail: content of another seed is not what the state promises.</summary>
    [Fact]
    public async Task The_checker_finds_content_that_is_not_what_was_answered()
    {
        await using var edge = await EdgeProcess.StartAsync(_folder);
        await edge.RunAsync("volume", "create", "v", "--size", "128MiB");
        (await FioAsync(1, edge, verify: false)).Status.ShouldBe(0);
        (await FioAsync(2, edge, verify: false)).Status.ShouldBe(0);
        (await FioAsync(1, edge, verify: true)).Status.ShouldNotBe(0);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string StatePath(int round) => Path.Combine(_folder, $"local-round{round}-0-verify.state");

    private Task<(int Status, string Output)> FioAsync(int round, EdgeProcess edge, bool verify) => Repository.RunAsync(
        "/usr/bin/fio",
        [
            $"--name=round{round}", "--ioengine=nbd", $"--uri={edge.Uri("v")}", "--rw=randwrite", "--bs=4k", "--iodepth=16", "--size=128m", "--fsync=64", "--rate_iops=25000",
            "--verify=crc32c", $"--randseed={round}", $"--aux-path={_folder}", "--output-format=terse", .. verify ? (string[])["--verify_only", "--verify_state_load=1"] : ["--do_verify=0", "--verify_state_save=1"],
        ],
        TimeSpan.FromSeconds(60));

    private static async Task<string> DigestAsync(EdgeProcess edge, string point)
    {
        var (status, text) = await Repository.RunAsync("/bin/bash", ["-o", "pipefail", "-c", $"nbdcopy '{edge.Uri($"v@{point}")}' - | sha256sum"], TimeSpan.FromSeconds(60));
        status.ShouldBe(0, text);
        return text.Split(' ')[0];
    }
}
