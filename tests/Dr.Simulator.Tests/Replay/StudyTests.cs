using Dr.Contracts.Cli;
using Dr.Contracts.Errors;
using Dr.Contracts.Ids;
using Dr.Simulator.Replay;
using Dr.Simulator.Reports;
using Dr.Simulator.World;

namespace Dr.Simulator.Tests.Replay;

/// <summary>Many seeds, promises, and what one fault is made of.</summary>
public sealed class StudyTests
{
    private const int Seeds = 6;
    private static readonly FaultYear Year = FaultLog.Load(null, null);
    private static readonly ReplayStudy Study = ReplayStudy.Run(Year, 1, Seeds, null, null, CancellationToken.None);

    [Fact]
    public void Seeds_side_by_side_give_what_each_gives_alone()
    {
        for (var i = 0; i < Seeds; i++)
        {
            var alone = ReplayRun.Run(Year, (ulong)(i + 1), CancellationToken.None);
            foreach (var (kind, index) in alone.Totals.Select((t, n) => (t, n)))
            {
                kind.MinutesAfter.ShouldBeInRange(Study.Sweep!.Kinds[index].MinutesAfter.Min, Study.Sweep.Kinds[index].MinutesAfter.Max);
            }
        }

        JsonReport.Render(ReplayStudy.Run(Year, 1, Seeds, null, null, CancellationToken.None)).ShouldBe(JsonReport.Render(Study));
    }

    [Fact]
    public void Keeping_no_story_changes_no_figure()
    {
        var told = ReplayRun.Run(Year, new ReplayOptions { Seed = 3 }, CancellationToken.None);
        var untold = ReplayRun.Run(Year, new ReplayOptions { Seed = 3, Stories = false }, CancellationToken.None);
        untold.Incidents.ShouldAllBe(i => i.Story.Count == 0);
        untold.Incidents.Select(i => (i.MinutesBefore, i.MinutesAfter, i.DetectionSeconds, i.RtoSeconds, i.RpoSeconds)).ShouldBe(told.Incidents.Select(i => (i.MinutesBefore, i.MinutesAfter, i.DetectionSeconds, i.RtoSeconds, i.RpoSeconds)));
        untold.Systems.ShouldBe(told.Systems);
    }

    [Fact]
    public void Every_line_of_table_2_with_faults_is_held_against_its_promise()
    {
        Study.Promises.SelectMany(p => p.Systems).ShouldContain(new SystemId("dilas"));
        Study.Promises.ShouldAllBe(p => p.Holds && p.RpoHolds && p.RtoHolds && p.MarginPercent > 0);
        var dilas = Study.Promises.Single(p => p.Systems.Contains(new SystemId("dilas")));
        (dilas.PromisedBelowPercent, Math.Round(dilas.BeforePercent, 1)).ShouldBe((2, 5.8));
    }

    [Fact]
    public void A_promise_that_cannot_be_kept_is_said_to_be_broken_and_by_how_much()
    {
        var strict = Year with { Policies = [.. Year.Policies.Select(p => p with { Targets = p.Targets with { FaultRateBelowPercent = 0.5, Rto = TimeSpan.FromSeconds(5) } })] };
        var wireless = ReplayStudy.Run(strict, 1, 2, null, null, CancellationToken.None).Promises.Single(p => p.Systems.Contains(new SystemId("wireless")));
        wireless.Holds.ShouldBeFalse("its controller failed twice, and no second site helps that");
        wireless.MarginPercent.ShouldBe(0.5 - (200.0 / 312), 0.001);
        wireless.NotHelped.ShouldBe(2);
        wireless.RtoHolds.ShouldBeFalse();
    }

    [Fact]
    public void The_minutes_of_a_fault_are_those_that_its_story_ends_with()
    {
        foreach (var incident in Study.Replay.Incidents.Where(i => i.Kind != SystemKind.Equipment && i.MinutesAfter > 0 && i.WhyNotHelped is null))
        {
            var last = incident.Story.Last(l => l.Who == "users" && l.Text.StartsWith($"{incident.System}:", StringComparison.Ordinal)).Text;
            last.ShouldContain($"{incident.MinutesAfter.ToString("0.00", System.Globalization.CultureInfo.InvariantCulture)} opening minutes", Case.Sensitive, $"{incident.System} {incident.Strike}");
        }
    }

    /// <summary>Of seed 5: the web server's process is restarted, and two hours later a switch fails.</summary>
    [Fact]
    public void A_fault_that_was_repaired_inside_the_site_is_over_and_a_later_one_is_told_and_counted_by_itself()
    {
        var incidents = ReplayRun.Run(Year, 5, CancellationToken.None).Incidents.Where(i => i.Strike.Day == 29 && i.Strike.Month == 8).ToArray();
        var web = incidents.Single(i => i.System.Value == "web");
        var zone = incidents.Single(i => i.System.Value == "device-file-service");
        web.Remedy.ShouldBe(Remedy.Restarted);
        web.RtoSeconds!.Value.ShouldBeLessThan(120);
        zone.Remedy.ShouldBe(Remedy.TakenOver);
        zone.Story.ShouldContain(l => l.Text.StartsWith("web:", StringComparison.Ordinal));
        zone.Story.Count(l => l.Text.Contains("still coming", StringComparison.Ordinal)).ShouldBeLessThan(4, "an owner whose gate is shut adds nothing");
    }

    /// <summary>Of seed 9: a database is damaged while the third floor has no power; it is given back within minutes, and the floor stays dark until people repair it.</summary>
    [Fact]
    public void Users_whom_another_fault_still_cuts_off_are_counted_there()
    {
        var incidents = ReplayRun.Run(Year, 9, CancellationToken.None).Incidents.Where(i => i.Strike is { Year: 2012, Month: 2, Day: 11 }).ToArray();
        var database = incidents.Single(i => i.System.Value == "cnki");
        var floor = incidents.Single(i => i.System.Value == "device-ups");
        database.Remedy.ShouldBe(Remedy.RestoredFromPoint);
        database.RtoSeconds!.Value.ShouldBeLessThan(600);
        database.MinutesAfter.ShouldBeLessThan(10);
        floor.Remedy.ShouldBe(Remedy.PeopleOnly);
        floor.RtoSeconds.ShouldBeNull("what people repaired is no recovery of the system's");
    }

    /// <summary>Of seed 7: both lines are down on one day. People repair one of them at closing time, which serves those whom the takeover for the other had left.</summary>
    [Fact]
    public void What_people_repair_for_another_fault_is_no_recovery_of_this_one()
    {
        var optical = ReplayRun.Run(Year, 7, CancellationToken.None).Incidents.Single(i => i.System.Value == "device-optical-module");
        optical.RtoSeconds!.Value.ShouldBeLessThan(3600);
        optical.MinutesAfter.ShouldBeGreaterThan(60, "those inside were cut off all day, and that is counted");
    }

    [Fact]
    public void What_a_story_shows_first_is_the_fault_and_as_it_was_only_people_help()
    {
        foreach (var incident in Study.Replay.Incidents)
        {
            incident.StoryBefore[0].Who.ShouldBe("fault");
            incident.StoryBefore.ShouldAllBe(l => l.Who == "fault" || l.Who == "people" || l.Who == "users");
            incident.Story[0].Text.ShouldBe(incident.StoryBefore[0].Text, "the same fault strikes in both years");
        }
    }

    [Theory]
    [InlineData("dilas", 18)]
    [InlineData("dilas/2012-02-01", 2)]
    [InlineData("dilas/2012-02-01/2", 1)]
    [InlineData("device-ups", 1)]
    public void A_fault_is_named_by_system_day_and_number(string target, int count) => ExplainTarget.Parse(target).Of(Study.Replay).Count.ShouldBe(count);

    [Theory]
    [InlineData("nobody", "no fault of 'nobody'", "dilas")]
    [InlineData("dilas/2012-02-02", "no fault on 2012-02-02", "2012-02-01")]
    [InlineData("dilas/2012-02-01/3", "has 2 fault(s)", "2012-02-01")]
    public void A_fault_that_is_not_there_is_refused_with_those_that_are(string target, string message, string hint)
    {
        var error = Should.Throw<DrException>(() => ExplainTarget.Parse(target).Of(Study.Replay));
        error.Message.ShouldContain(message);
        error.Hint!.ShouldContain(hint);
    }

    [Theory]
    [InlineData("dilas/yesterday")]
    [InlineData("dilas/2012-02-01/0")]
    [InlineData("a b")]
    [InlineData("")]
    public void A_target_that_cannot_be_read_is_wrong_usage(string target) => Should.Throw<UsageException>(() => ExplainTarget.Parse(target)).Hint!.ShouldContain("dilas/2012-02-01");

    [Fact]
    public void The_table_for_spreadsheets_has_a_line_per_system_and_quotes_what_needs_it()
    {
        var lines = CsvReport.Render(Study).TrimEnd('\n').Split('\n');
        lines.Length.ShouldBe(1 + Study.Replay.Systems.Count);
        lines.ShouldAllBe(l => l.Length > 20);
        var text = new CsvText("a", "b", "c");
        text.Line("x,\"y\"", null, 1.5);
        text.ToString().ShouldBe("a,b,c\n\"x,\"\"y\"\"\",,1.5\n");
    }

    [Fact]
    public void Percentiles_are_nearest_rank()
    {
        var spread = Spread.Of(Enumerable.Range(1, 100).Select(n => (double)n).Reverse())!;
        (spread.Count, spread.Min, spread.Median, spread.P95, spread.Max).ShouldBe((100, 1, 50, 95, 100));
        Spread.Of([]).ShouldBeNull();
    }

    [Fact]
    public void A_stop_request_ends_a_sweep()
    {
        using var stopped = new CancellationTokenSource();
        var years = 0;
        Should.Throw<OperationCanceledException>(() => SeedSweep.Run(Year, new ReplayOptions(), 1000, () =>
        {
            Interlocked.Increment(ref years);
            stopped.Cancel();
        }, stopped.Token));
        years.ShouldBeLessThan(100);
    }
}
