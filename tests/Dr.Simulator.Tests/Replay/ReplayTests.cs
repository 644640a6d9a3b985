using System.Security.Cryptography;
using System.Text;
using Dr.Contracts.Errors;
using Dr.Contracts.Ids;
using Dr.Simulator.Replay;
using Dr.Simulator.Reports;

namespace Dr.Simulator.Tests.Replay;

public sealed class ReplayTests
{
    private static readonly FaultYear Year = FaultLog.Load(null, null);
    private static readonly ReplayResult Result = ReplayRun.Run(Year, 1, CancellationToken.None);

    [Fact]
    public void Before_is_what_the_source_prints_and_only_the_named_rows_differ()
    {
        foreach (var printed in Year.Summary)
        {
            var system = Result.Systems.Single(s => s.System == printed.System);
            system.DaysBefore.ShouldBe(printed.Days);
            system.RatePrintedPercent.ShouldBe(printed.RatePercent);
            if (printed.System.Value is not ("bowen" or "dilas"))
            {
                (system.Rows, system.DistinctDates).ShouldBe((printed.Days, printed.Days), printed.System.Value);
            }
        }

        var bowen = Result.Systems.Single(s => s.System.Value == "bowen");
        (bowen.Rows, bowen.DistinctDates, bowen.DaysBefore).ShouldBe((9, 9, 6));
        var dilas = Result.Systems.Single(s => s.System.Value == "dilas");
        (dilas.Rows, dilas.DistinctDates, dilas.DaysBefore).ShouldBe((18, 17, 18));
        Result.Systems.Count.ShouldBe(Year.Summary.Count);
    }

    [Theory]
    [InlineData("RealTime", 48, 15.4, 15.4)]
    [InlineData("Archive", 18, 5.8, 5.0)]
    [InlineData("Equipment", 5, 1.6, 1.6)]
    [InlineData("All", 71, 22.8, 22.0)]
    public void The_kinds_add_up_as_the_source_counts_them(string kind, int days, double computed, double printed)
    {
        var total = Result.Totals.Single(t => t.Kind == kind);
        total.DaysBefore.ShouldBe(days);
        Math.Round(total.RateBeforePercent, 1).ShouldBe(computed);
        total.RatePrintedPercent.ShouldBe(printed);
        Result.OpeningDays.ShouldBe(312);
    }

    [Theory]
    [InlineData("dilas prints 2012-02-01 2 times")]
    [InlineData("bowen counts 6 days; its lines give 9")]
    [InlineData("ulas prints 12-10-23")]
    [InlineData("five minutes")]
    [InlineData("Archive: 18 of 312 days is 5.8 %, printed as 5 %")]
    [InlineData("All together: 71 of 312 days is 22.8 %, printed as 22 %")]
    [InlineData("ulas has faults in table 1 but no policy in table 2")]
    [InlineData("Table 2 has systems that table 1 has not: ftp, lacc")]
    [InlineData("a Monday")]
    [InlineData("18 of 312 days is 5.8 %, printed as 6 %")]
    public void Each_oddity_of_the_source_is_reported(string oddity) => English(Result).ShouldContain(o => o.Contains(oddity, StringComparison.Ordinal));

    [Fact]
    public void Another_log_gets_its_own_oddities_and_not_the_papers()
    {
        const string Log = "system_id,system_name_zh,system_name_en,kind,date_as_printed,date,symptom_zh,symptom_en,fault_type,note\n"
            + "web,Web,Web,realtime,12-05-11,2012-05-11,x,Web server application process fault,server,\n";
        var year = Year with { Log = FaultLog.ParseLog(new StringReader(Log), "l.csv"), Summary = [] };
        var result = ReplayRun.Run(year, 1, CancellationToken.None);
        result.Incidents.Count.ShouldBe(1);
        result.Totals[^1].DaysBefore.ShouldBe(1);
        English(result).ShouldAllBe(o => !o.Contains("dilas", StringComparison.Ordinal) || o.StartsWith("Table 2 has", StringComparison.Ordinal));
    }

    private static string[] English(ReplayResult result) => [.. result.Oddities.Select(Texts.English.Of)];

    [Fact]
    public void The_same_seed_gives_the_same_bytes_and_another_one_other_hours()
    {
        string Json(ulong seed) => JsonReport.Render(ReplayRun.Run(Year, seed, CancellationToken.None));
        Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(Json(1)))).ShouldBe(Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(JsonReport.Render(Result)))));
        Json(2).ShouldNotBe(Json(1));
    }

    [Theory]
    [InlineData(48ul)]
    [InlineData(87ul)]
    [InlineData(89ul)]
    public void A_system_that_is_away_comes_home_though_another_fault_struck_it_meanwhile(ulong seed) =>
        ReplayRun.Run(Year, seed, CancellationToken.None).Violations.ShouldBeEmpty();

    [Fact]
    public void No_rule_of_the_design_breaks_in_any_of_twenty_years()
    {
        for (var seed = 1ul; seed <= 20; seed++)
        {
            ReplayRun.Run(Year, seed, CancellationToken.None).Violations.ShouldBeEmpty($"seed {seed}");
        }
    }

    [Fact]
    public void Both_years_see_the_same_faults_and_nothing_is_better_as_it_was()
    {
        Result.Incidents.Count.ShouldBe(Year.Log.Count);
        foreach (var incident in Result.Incidents)
        {
            incident.MinutesAfter.ShouldBeLessThanOrEqualTo(incident.MinutesBefore + 0.01, $"{incident.System} {incident.Strike}");
            incident.Story.ShouldNotBeEmpty();
        }
    }

    [Fact]
    public void What_a_second_site_cannot_help_is_found_from_the_network_and_said()
    {
        string[] helpless = ["device-ups", "device-switch", "wireless", "ulas"];
        foreach (var system in helpless)
        {
            Result.NotHelped.ShouldContain(i => i.System.Value == system);
            var incidents = Result.Incidents.Where(i => i.System.Value == system).ToArray();
            incidents.ShouldAllBe(i => Math.Abs(i.MinutesAfter - i.MinutesBefore) < 0.01, "what nobody could help lasts as long as it did");
        }

        Result.NotHelped.Count().ShouldBe(5);
    }

    [Fact]
    public void What_was_reached_lies_within_the_papers_objectives()
    {
        foreach (var incident in Result.Incidents.Where(i => i.WhyNotHelped is null))
        {
            (incident.RtoSeconds ?? 0).ShouldBeLessThan(30 * 60, $"{incident.System} {incident.Strike}");
            (incident.RpoSeconds ?? 0).ShouldBeLessThan(5 * 60, $"{incident.System} {incident.Strike}");
        }
    }

    [Fact]
    public void Every_decision_of_a_takeover_is_in_its_story()
    {
        var stories = Result.Incidents.Where(i => i.Remedy == Remedy.TakenOver && i.Broke == "HostDown").Select(i => string.Join('\n', i.Story.Select(s => s.Text))).ToArray();
        stories.Length.ShouldBeGreaterThan(2);
        var story = stories.MaxBy(s => s.Length)!;
        foreach (var part in new[] { "independent kinds of evidence", "Deciding → Fencing", "Fencing → Promoting", "→ OnTrial", "FailbackReady → Draining", "equal on both sides", "SwitchingBack" })
        {
            story.ShouldContain(part);
        }
    }

    [Theory]
    [InlineData("2012-05-11,x", "11.5.2012,x", "line 2, column date")]
    [InlineData(",server,", ",gremlins,", "line 2, column fault_type")]
    [InlineData("realtime", "sometimes", "line 2, column kind")]
    [InlineData("web,Web", ",Web", "line 2, column system_id")]
    [InlineData("symptom_en", "symptom", "column 'symptom_en' is missing")]
    [InlineData("fault,server", "fault", "9 fields where the header names 10")]
    public void A_bad_log_is_refused_with_file_line_column_and_what_to_do(string find, string with, string expected)
    {
        const string Log = "system_id,system_name_zh,system_name_en,kind,date_as_printed,date,symptom_zh,symptom_en,fault_type,note\n"
            + "web,Web,Web,realtime,12-05-11,2012-05-11,x,fault,server,\n";
        var error = Should.Throw<DrException>(() => FaultLog.ParseLog(new StringReader(Log.Replace(find, with, StringComparison.Ordinal)), "l.csv"));
        error.Message.ShouldStartWith("l.csv");
        error.Message.ShouldContain(expected);
        error.Hint.ShouldNotBeNullOrEmpty();
    }

    [Fact]
    public void A_stop_request_ends_a_replay()
    {
        using var stopped = new CancellationTokenSource();
        stopped.Cancel();
        Should.Throw<OperationCanceledException>(() => ReplayRun.Run(Year, 1, stopped.Token));
    }

    [Fact]
    public void A_system_without_a_policy_is_lost_as_long_as_it_was() =>
        Result.Systems.Single(s => s.System == new SystemId("ulas")).ShouldSatisfyAllConditions(s => s.Policy.ShouldBeNull(), s => s.MinutesAfter.ShouldBe(s.MinutesBefore), s => s.PromiseKept.ShouldBeNull());
}
