using Dr.Edge.Replication;
using Dr.Edge.Tests.Replication.Failback;

namespace Dr.Edge.Tests.Replication.Changes;

/// <summary>Real processes that die while the map of what a copy lacks is made and brought up to date; the history that it stands for has left when the copy is back. <c>DR_FAILBACK_ALL=1</c> takes every case.</summary>
public sealed class ChangeMapKillTests
{
    private static readonly bool All = Environment.GetEnvironmentVariable("DR_FAILBACK_ALL") is not null;

    public static TheoryData<string, int> Cases
    {
        get
        {
            // At the first passage the map is made, later it is brought up to date.
            var cases = new TheoryData<string, int>();
            foreach (var (point, passage) in CopyPoints.OfMaps.SelectMany(point => (All ? new[] { 1, 2, 3 } : [point == CopyPoints.MapListed ? 2 : 1]).Select(passage => (point, passage))))
            {
                cases.Add(point, passage);
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_copy_that_was_away_gets_what_it_lacks_by_the_map_whenever_the_primary_died(string point, int passage)
    {
        var oracle = new LoadOracle();
        oracle.Begin(1, default);
        await using var production = new ProcessSite("production") { CrashAt = $"{point}:{passage}" };
        await using var backup = new ProcessSite("backup");
        await using var line = new SwitchLine(backup.Address);
        await backup.MustAsync("show");
        await production.MustAsync("create");
        await production.MustAsync("write 1 40");
        await production.MustAsync("point one");
        await production.MustAsync($"add {line.Address} Stream budget 65536");
        await production.UntilAsync("sync 20", a => a == "ok", "the first copy");

        line.IsUp = false;
        for (var upTo = 140; upTo <= 440; upTo += 100)
        {
            await production.MustAsync($"write 1 {upTo}");
            await production.MustAsync("review");
        }

        production.Deaths.ShouldBe(1, $"it passes {point} {passage} times at least");
        (await production.MustAsync("review")).ShouldBe("Map");
        var aged = await production.MustAsync("age");
        long.Parse(aged.Split(' ')[0], null).ShouldBeGreaterThan(100, $"the history that the map stands for has left: {aged}");
        await production.MustAsync("write 1 460");

        line.IsUp = true;
        await production.UntilAsync("sync 20", a => a == "ok", "the copy to be home");
        (await production.MustAsync("compares")).ShouldBe("no", "the map says what the copy lacks");
        oracle.Check(await backup.ContentAsync("v"), "the copy").Number.ShouldBe(460);
        oracle.Check(await production.ContentAsync("v"), "the primary").Number.ShouldBe(460);
        (await production.UntilAsync("review", a => a == "Journal", "the gap to be passed")).ShouldBe("Journal");
    }
}
