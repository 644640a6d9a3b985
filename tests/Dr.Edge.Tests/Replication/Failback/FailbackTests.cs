using Dr.Edge.Replication;
using Dr.Edge.Volumes.Disk;

namespace Dr.Edge.Tests.Replication.Failback;

/// <summary>
/// Home and away again with the line cut between any two frames, and with either side killed at any named point. The default run takes a sample that a seed chooses;
/// <c>DR_FAILBACK_ALL=1</c> takes every one (<c>DR_FAILBACK_PART=1/4</c>: of the kills the second quarter), <c>DR_FAILBACK_SEED</c> another sample.
/// </summary>
public sealed class FailbackTests(ITestOutputHelper output)
{
    private static readonly bool All = Environment.GetEnvironmentVariable("DR_FAILBACK_ALL") is not null;
    private static readonly int Seed = int.Parse(Environment.GetEnvironmentVariable("DR_FAILBACK_SEED") ?? "4", null);

    private static readonly (int Index, int Of) Part = Environment.GetEnvironmentVariable("DR_FAILBACK_PART")?.Split('/') is [var index, var of] ? (int.Parse(index, null), int.Parse(of, null)) : (0, 1);

    [Theory]
    [InlineData("Stream")]
    [InlineData("Sync")]
    [InlineData("Delta")]
    public async Task There_and_home_again_with_the_line_cut_between_any_two_frames(string mode)
    {
        var frames = await RunCutAsync(mode, int.MaxValue);
        frames.ShouldBeGreaterThan(20);
        var places = Enumerable.Range(0, frames);
        foreach (var place in All ? places : new Random(Seed).GetItems([.. places], 3))
        {
            await RunCutAsync(mode, place);
        }

        output.WriteLine($"{mode}: {frames} frames");
    }

    [Fact]
    public async Task There_and_home_again_with_either_side_killed_at_any_named_point()
    {
        var random = new Random(Seed);
        var cases = new[] { "production", "backup" }.SelectMany(side => CrashPoints.All.Concat(CopyPoints.All).SelectMany(point => new[] { 1, 3 }.Select(n => (side, point, n))))
            .SelectMany(c => new[] { "Stream", "Sync", "Delta" }.Select(mode => (c.side, c.point, c.n, mode))).ToArray();
        var reached = new SortedSet<string>();
        foreach (var (side, point, n, mode) in All ? cases.Where((_, i) => i % Part.Of == Part.Index) : random.GetItems([.. cases.Where(c => c.n == 1 && c.point.StartsWith("copy.", StringComparison.Ordinal))], 4))
        {
            await using var production = new ProcessSite("production");
            await using var backup = new ProcessSite("backup");
            (side == "production" ? production : backup).CrashAt = $"{point}:{n}";
            try
            {
                await new FailbackScenario(production, production.Address, backup, backup.Address, mode).RunAsync();
            }
            catch (Exception exception)
            {
                throw new InvalidOperationException($"{side} killed at {point}:{n}, mode {mode}", exception);
            }

            if (production.Deaths + backup.Deaths > 0)
            {
                reached.Add(point);
            }
        }

        output.WriteLine($"died at: {string.Join(' ', reached)}");
        if (All && Part.Of == 1)
        {
            CopyPoints.All.Except(reached).ShouldBeEmpty("places where nothing ever died");
        }
    }

    private static async Task<int> RunCutAsync(string mode, int cutAfter)
    {
        var counter = new FrameCounter(cutAfter);
        await using var production = await LocalSite.StartAsync("production");
        await using var backup = await LocalSite.StartAsync("backup");
        await using var toBackup = new FrameLine(backup.Address, counter);
        await using var toProduction = new FrameLine(production.Address, counter);
        try
        {
            await new FailbackScenario(production, toProduction.Address, backup, toBackup.Address, mode).RunAsync();
        }
        catch (Exception exception)
        {
            throw new InvalidOperationException($"cut after frame {cutAfter}, mode {mode}", exception);
        }

        return counter.Frames;
    }
}
