using System.Globalization;
using Dr.EndToEnd.Tests.Link;
using Dr.Simulator.Live.Judging;

namespace Dr.EndToEnd.Tests.Crash;

/// <summary>
/// <c>kill -9</c> of a real dr-edge under the load of a client that knows what was answered. After each restart everything answered must read back, and every point taken
/// before must read exactly as it did. <c>DR_KILL_ROUNDS</c> sets the number of kills, <c>DR_KILL_SEED</c> what is written and when it ends.
/// </summary>
[Collection("whole machine")]
public sealed class KilledUnderLoadTests(ITestOutputHelper output) : IDisposable
{
    private const int Blocks = 16 * 1024;
    private const int KeptPoints = 4;
    private readonly string _folder = Directory.CreateTempSubdirectory("dr-kill-").FullName;

    private static int Rounds => Number("DR_KILL_ROUNDS", 5);

    private static int Number(string name, int otherwise) => int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : otherwise;

    [Fact]
    public async Task Nothing_answered_is_lost_and_no_point_changes()
    {
        var seed = Number("DR_KILL_SEED", 42);
        var random = new Random(seed);
        var points = new Queue<(string Id, string Digest)>();
        var load = new VerifyingLoad(seed, Blocks);
        var edge = await EdgeProcess.StartAsync(_folder);
        try
        {
            await edge.RunAsync("volume", "create", "v", "--size", "64MiB");
            for (var round = 1; round <= Rounds; round++)
            {
                using var killed = new CancellationTokenSource();
                var running = Task.Factory.StartNew(() => load.RunUntilCut(edge.NbdSocket, "v", killed.Token), TaskCreationOptions.LongRunning);
                await Task.Delay(random.Next(0, 600));
                if (round % 5 == 1)
                {
                    // A point in the middle of the load; what it holds is read before the next kill.
                    var id = (await edge.RunAsync("point", "create", "v", "--label", $"round {round}")).Split('\n')[0].Trim();
                    points.Enqueue((id, await DigestAsync(edge, id)));
                }

                await killed.CancelAsync();
                await edge.DisposeAsync();
                await running;

                edge = await EdgeProcess.StartAsync(_folder);
                using (var client = new NbdClient(edge.NbdSocket, "v"))
                {
                    load.Check(client);
                }

                if (round % 5 == 0 || round == Rounds)
                {
                    foreach (var (id, digest) in points)
                    {
                        (await DigestAsync(edge, id)).ShouldBe(digest, $"round {round}: point {id} reads differently after the kill");
                    }

                    if (points.Count > KeptPoints)
                    {
                        await edge.RunAsync("point", "delete", "v", points.Dequeue().Id);
                    }
                }
            }

            load.Answered.ShouldBeGreaterThan(Rounds * 10L);
            load.Flushes.ShouldBeGreaterThan(0);
            output.WriteLine($"seed {seed}: {Rounds} kills, {load.Answered} writes answered, {load.Flushes} flushes answered; volume and {points.Count} points intact");
            await edge.RunAsync("verify", "v");
        }
        finally
        {
            await edge.DisposeAsync();
        }
    }

    /// <summary>The checker must itself be able to fail: a block that goes back to an older write is found.</summary>
    [Fact]
    public async Task The_checker_finds_a_block_that_is_not_what_was_answered()
    {
        var load = new VerifyingLoad(seed: 1, blocks: 64);
        var edge = await EdgeProcess.StartAsync(_folder);
        try
        {
            await edge.RunAsync("volume", "create", "v", "--size", "256KiB");
            using var killed = new CancellationTokenSource();
            var running = Task.Run(() => load.RunUntilCut(edge.NbdSocket, "v", killed.Token));
            await Eventually.TrueAsync("so much was answered that every block was among it", () => load.Answered > 3_000);
            await killed.CancelAsync();
            await edge.DisposeAsync();
            await running;

            edge = await EdgeProcess.StartAsync(_folder);
            using var checker = new NbdClient(edge.NbdSocket, "v");
            load.Check(checker);
            checker.SendWrite(7, 0, new byte[VerifyingLoad.BlockBytes]);
            checker.ReceiveAnswer().ShouldBe(7ul);
            Should.Throw<ShouldAssertException>(() => load.Check(checker));
        }
        finally
        {
            await edge.DisposeAsync();
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static async Task<string> DigestAsync(EdgeProcess edge, string point)
    {
        var (status, text) = await Repository.RunAsync("/bin/bash", ["-o", "pipefail", "-c", $"nbdcopy '{edge.Uri($"v@{point}")}' - | sha256sum"], TimeSpan.FromSeconds(60));
        status.ShouldBe(0, text);
        return text.Split(' ')[0];
    }
}
