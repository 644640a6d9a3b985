using Dr.Simulator.Replay;
using Dr.Simulator.Years;

namespace Dr.Simulator.Tests.Years;

/// <summary>Random years through the real core: every rule holds, the same seed is the same year on any number of threads, and a core that somebody broke is found.</summary>
public sealed class YearsTests
{
    /// <summary>Within as many years every broken core has to be found.</summary>
    private const int Within = 1_000;

    /// <summary>Within as many those that are not rare.</summary>
    private const int Quick = 100;

    private static readonly YearDraw Draw = new(FaultLog.Load(null, null));

    /// <summary>The set that always runs; <c>DR_YEARS=10000</c> plays that many more.</summary>
    private static readonly int Years = int.TryParse(Environment.GetEnvironmentVariable("DR_YEARS"), out var years) ? years : 40;

    public static TheoryData<string> Broken => [.. BrokenCores.All.Keys];

    [Fact]
    public void Every_rule_holds_in_every_year()
    {
        var summary = YearsRun.Run(DecisionCore.Real, Draw, 1, Years, Environment.ProcessorCount, null, TestContext.Current.CancellationToken);
        summary.Broken.Select(b => Shrinker.Shrink(DecisionCore.Real, b.Seed, Draw.Of(b.Seed), b.Violation)).Select(b => $"{b.Violation.Message}; see it again: {b.Command}").ShouldBeEmpty();
        (summary.Years, summary.FalseFailovers).ShouldBe((Years, 0));

        // A year in which nothing happens proves nothing.
        summary.AutomaticTakeovers.ShouldBeGreaterThan(Years);
        summary.Moves.ShouldBeGreaterThan(Years);
        summary.Drills.ShouldBeGreaterThan(0);
    }

    [Fact]
    public void The_same_seeds_are_the_same_years_on_one_thread_and_on_two()
    {
        var one = YearsRun.Run(DecisionCore.Real, Draw, 7_000, 6, 1, null, TestContext.Current.CancellationToken);
        var two = YearsRun.Run(DecisionCore.Real, Draw, 7_000, 6, 2, null, TestContext.Current.CancellationToken);
        var other = YearsRun.Run(DecisionCore.Real, Draw, 8_000, 6, 2, null, TestContext.Current.CancellationToken);
        (two.Hash, two.Transitions, two.Events).ShouldBe((one.Hash, one.Transitions, one.Events));
        other.Hash.ShouldNotBe(one.Hash);
    }

    [Fact]
    public void Years_that_broke_a_rule_once_hold()
    {
        foreach (var (seed, faults, rule) in Regressions.Load(null))
        {
            new YearWorld(DecisionCore.Real, seed, YearSelection.Read(faults, Draw.Of(seed))).Run(TestContext.Current.CancellationToken).Violation.ShouldBeNull($"seed {seed} ({rule})");
        }
    }

    [Fact]
    public void A_takeover_by_a_finding_of_long_ago_is_found_by_the_year_that_found_it_once()
    {
        var (seed, faults, rule) = Regressions.Load(null).Single(r => r.Seed == 509_687);
        var world = new YearWorld(BrokenCores.BeginsByWhatWasFoundLongAgo, seed, YearSelection.Read(faults, Draw.Of(seed)));
        world.Run(TestContext.Current.CancellationToken).Violation.ShouldNotBeNull().Rule.ShouldBe(rule);
    }

    [Theory]
    [MemberData(nameof(Broken))]
    public void A_core_that_is_broken_on_purpose_is_found(string how)
    {
        var rare = BrokenCores.Rare.Contains(how);
        if (rare && Environment.GetEnvironmentVariable("DR_YEARS") is null)
        {
            Assert.Skip("DR_YEARS=1 looks for what only one year in some hundreds finds.");
        }

        var summary = YearsRun.Run(BrokenCores.All[how], Draw, 1, rare ? Within : Quick, Environment.ProcessorCount, null, TestContext.Current.CancellationToken, stopAtFirst: true);
        summary.Broken.ShouldNotBeEmpty($"nothing notices a core that {how}");
        var (seed, violation) = summary.Broken[0];
        TestContext.Current.TestOutputHelper?.WriteLine($"{how}: seed {seed}, after {summary.Years} years: {violation.Message}");
    }

    [Fact]
    public void A_failing_year_is_made_short_and_can_be_seen_again()
    {
        var core = BrokenCores.All["takes silence for death, without probes and witnesses"];
        var summary = YearsRun.Run(core, Draw, 1, Within, 1, null, TestContext.Current.CancellationToken, stopAtFirst: true);
        var (seed, violation) = summary.Broken[0];
        var year = Draw.Of(seed);
        var broken = Shrinker.Shrink(core, seed, year, violation, TestContext.Current.CancellationToken);
        broken.Faults.Count.ShouldBeLessThan(6, broken.Command);
        var again = YearSelection.Read(broken.Command[(broken.Command.IndexOf("--only ", StringComparison.Ordinal) + 7)..], year);
        again.ShouldBe(broken.Faults);
        var found = new YearWorld(core, seed, again).Run(TestContext.Current.CancellationToken).Violation.ShouldNotBeNull();
        (found.Rule, found.Message).ShouldBe((broken.Violation.Rule, broken.Violation.Message));
    }

    [Fact]
    public void Failing_years_join_a_list_once()
    {
        var file = Path.Combine(Path.GetTempPath(), $"dr-years-{Guid.NewGuid():N}.txt");
        try
        {
            var year = Draw.Of(5);
            BrokenYear[] broken = [new(5, new YearViolationException("a rule", "broken", TimeSpan.FromDays(1)), [year[1], year[3] with { Lasts = TimeSpan.FromSeconds(1.5) }], year.Count)];
            Regressions.Join(file, broken);
            Regressions.Join(file, broken);
            var (seed, faults, rule) = Regressions.Load(file).ShouldHaveSingleItem();
            (seed, rule).ShouldBe((5ul, "a rule"));
            YearSelection.Read(faults, year).ShouldBe(broken[0].Faults);
        }
        finally
        {
            File.Delete(file);
        }
    }
}
