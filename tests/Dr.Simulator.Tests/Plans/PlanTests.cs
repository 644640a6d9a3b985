using Dr.Contracts.Cli;
using Dr.Contracts.Grains;
using Dr.Contracts.Ids;
using Dr.Contracts.Policy;
using Dr.Simulator.Plans;
using Dr.Simulator.Replay;
using Dr.Simulator.Reports;
using Dr.Simulator.World;

namespace Dr.Simulator.Tests.Plans;

public sealed class PlanTests
{
    private const int Seeds = 12;
    private static readonly IReadOnlyList<BackupPolicy> Table2 = FaultLog.LoadPolicies(null);
    private static readonly PlannedSystems Planned = PlannedSystems.Of(Table2, null, [], [], []);
    private static readonly SiteForecast Tuesday = Forecast(Planned, "Tue 14:00", null);

    [Fact]
    public void Every_system_goes_over_by_itself_within_the_objective_and_after_what_it_needs()
    {
        Tuesday.Systems.Count.ShouldBe(Table2.SelectMany(p => p.Systems).Count());
        Tuesday.WithinObjective.ShouldBeTrue();
        foreach (var system in Tuesday.Systems)
        {
            system.Wave.ShouldNotBeNull(system.System.Value);
            system.AutomaticShare.ShouldBe(1, $"{system.System}: {system.LeftBehind}");
            (system.Detected!.Median < system.Decided!.Median && system.Decided.Median < system.Started!.Median && system.Started.Median < system.Serving!.Median).ShouldBeTrue($"{system.System}: times in their order");
            foreach (var other in system.DependsOn.Select(d => Tuesday.Systems.Single(s => s.System == d)))
            {
                system.Wave!.Value.ShouldBeGreaterThan(other.Wave!.Value);
                system.Decided!.Min.ShouldBeGreaterThan(other.Serving!.Min);
            }
        }
    }

    [Fact]
    public void A_lost_backup_site_takes_over_what_is_at_home_there_and_tells_what_the_rest_goes_without()
    {
        var none = Forecast(Planned, "Tue 14:00", null, Places.BackupSite);
        (none.Systems.Count, none.Staying.Count, none.WithinObjective).ShouldBe((0, Tuesday.Systems.Count, true));

        var both = PlannedSystems.Of(Table2, null, ["web=mail"], [], [], ["mail=backup", "web=backup"]);
        var lost = Forecast(both, "Tue 14:00", null, Places.BackupSite);
        lost.SiteLost.ShouldBe("backup");
        lost.Systems.Select(s => (s.System.Value, s.Wave)).ShouldBe([("mail", 1), ("web", 2)]);
        foreach (var system in lost.Systems)
        {
            system.AutomaticShare.ShouldBe(1, $"{system.System}: {system.LeftBehind}");
            system.Serving!.P95.ShouldBeLessThan(SiteForecast.Objective.TotalSeconds);
        }

        // What does not fit beside what is there already stays behind.
        Forecast(both, "Tue 14:00", both.Members.Count - 1, Places.BackupSite).Systems.Count(s => s.Wave is null).ShouldBe(1);

        var dilas = lost.Staying.Single(s => s.System.Value == "dilas");
        dilas.HeldGigabytesPerDay.ShouldBe(2, 1e-9);
        dilas.HoldDays!.Value.ShouldBe(20.0 * (1L << 30) / 2e9, 1e-6);
        dilas.CatchUpHours!.Value.ShouldBe(2 * 8e3 / (5 - (2 * 8e3 / 86400)) / 3600, 1e-6, "a day's change over what 5 Mbit/s leave beside the change of meanwhile");

        // And when production is lost these two serve on where they are.
        var production = Forecast(both, "Tue 14:00", null);
        production.Staying.Select(s => s.System.Value).Order().ShouldBe(["mail", "web"]);
        production.Systems.Count.ShouldBe(Tuesday.Systems.Count - 2);
    }

    [Fact]
    public void At_night_a_stop_is_noticed_later()
    {
        var night = Forecast(Planned, "Tue 03:00", null);
        (Tuesday.InOpeningHours, night.InOpeningHours).ShouldBe((true, false));
        var dilas = new SystemId("dilas");
        night.Systems.Single(s => s.System == dilas).Detected!.Median.ShouldBeGreaterThan(Tuesday.Systems.Single(s => s.System == dilas).Detected!.Median * 1.1);
    }

    [Fact]
    public void What_does_not_fit_stays_behind_with_the_reason_and_the_most_important_go()
    {
        var small = Forecast(Planned, "Tue 14:00", 5);
        small.Systems.Count(s => s.Wave is not null).ShouldBe(5);
        small.Systems.Single(s => s.System.Value == "dilas").Wave.ShouldBe(1);
        foreach (var left in small.Systems.Where(s => s.Wave is null))
        {
            left.LeftBehind!.ShouldContain("does not fit");
            left.Serving.ShouldBeNull("it never started");
        }
    }

    [Fact]
    public void A_policy_that_asks_for_a_person_waits_for_one()
    {
        var careful = PlannedSystems.Of([.. Table2.Select(p => p with { Approval = p.Systems.Any(s => s.Value == "mail") ? ApprovalMode.Person : p.Approval })], null, [], [], []);
        var mail = Forecast(careful, "Tue 14:00", null).Systems.Single(s => s.System.Value == "mail");
        mail.AutomaticShare.ShouldBe(0);
        mail.LeftBehind!.ShouldContain("person");
        mail.Serving!.Median.ShouldBeGreaterThan(60, "a person reads and decides");
    }

    [Fact]
    public void Priorities_dependencies_and_loads_can_be_said()
    {
        var said = PlannedSystems.Of(Table2, null, ["web=mail"], ["mail=1"], ["dilas=4.5"]);
        said.Members.Single(m => m.System.Value == "web").DependsOn.ShouldBe([new SystemId("mail")]);
        said.Members.Single(m => m.System.Value == "mail").Priority.ShouldBe(1);
        said.Members.Single(m => m.System.Value == "dilas").Load.ShouldBe(4.5);
    }

    [Theory]
    [InlineData("web", "is not SYSTEM=VALUE")]
    [InlineData("nobody=dilas", "no policy has a system 'nobody'")]
    [InlineData("web=nobody", "no policy has a system 'nobody'")]
    public void A_dependency_that_cannot_be_read_is_refused(string text, string message) => Should.Throw<UsageException>(() => PlannedSystems.Of(Table2, null, [text], [], [])).Message.ShouldContain(message);

    [Theory]
    [InlineData("Tue 14:00", DayOfWeek.Tuesday, 14)]
    [InlineData("sunday 9:30", DayOfWeek.Sunday, 9)]
    public void A_moment_is_a_weekday_and_a_time(string text, DayOfWeek day, int hour) => (PlannedMoment.Parse(text).Day, PlannedMoment.Parse(text).Time.Hour).ShouldBe((day, hour));

    [Theory]
    [InlineData("14:00")]
    [InlineData("T 14:00")]
    [InlineData("Tue 25:00")]
    [InlineData("tomorrow")]
    public void A_moment_that_cannot_be_read_is_wrong_usage(string text) => Should.Throw<UsageException>(() => PlannedMoment.Parse(text)).Hint!.ShouldContain("Tue 14:00");

    [Fact]
    public void The_same_seed_gives_the_same_forecast()
    {
        JsonReport.Render(Forecast(Planned, "Tue 14:00", null)).ShouldBe(JsonReport.Render(Tuesday));
        PlanCsv.Render(Tuesday).Split('\n').Length.ShouldBe(Tuesday.Systems.Count + 2);
    }

    [Fact]
    public void Disk_need_is_data_history_points_and_room_and_grows_as_was_said()
    {
        var dilas = CapacityPlan.Make(Table2, new CapacityInputs { GrowthPercent = 100, Years = 3 }).Policies.Single(p => p.Policy == "1");
        dilas.DataAssumed.ShouldBeFalse("its 200 GB are on record");
        dilas.Disk.Select(d => d.DataTb).ShouldBe([0.2, 0.4, 0.8, 1.6], 1e-9);
        var today = dilas.Disk[0];
        today.HistoryTb.ShouldBe(0.002, 1e-9, "a day of every write");
        today.PointsTb.ShouldBe(0.002 * 0.5 * 29, 1e-9);
        today.NeedTb.ShouldBe(1.1 * (today.DataTb + today.HistoryTb + today.PointsTb), 1e-9);
        dilas.DiskShortIn.ShouldBe(5, "0.2 TB doubles to more than 5 TB with a tenth free in the fifth year");
    }

    [Fact]
    public void A_class_is_short_when_its_busiest_hour_takes_too_much_of_it()
    {
        var calm = CapacityPlan.Make(Table2, new CapacityInputs { GrowthPercent = 0 });
        calm.Classes.ShouldAllBe(c => c.ShortIn == null);
        calm.Lines.ShouldAllBe(l => !l.Overbooked);
        var heavy = CapacityPlan.Make([.. Table2.Select(p => p with { ChangeGigabytesPerDay = p.Name == "1" ? 20 : p.ChangeGigabytesPerDay })], new CapacityInputs { GrowthPercent = 20 });
        heavy.Classes.Single(c => c.Policies.Contains("1")).ShortIn.ShouldBe(0, "20 GB a day are more than 5 Mbit/s carry in the busiest hour");
        heavy.Classes.Where(c => !c.Policies.Contains("1")).ShouldAllBe(c => c.ShortIn == null || c.ShortIn > 5);
    }

    [Fact]
    public void A_full_of_the_library_system_would_not_go_over_its_line_in_a_day()
    {
        var dilas = CapacityPlan.Make(Table2, new CapacityInputs()).Policies.Single(p => p.Policy == "1");
        dilas.FullHours.ShouldBe(0.2e12 * 8 / 5e6 / 3600, 0.01);
        dilas.FullHours.ShouldBeGreaterThan(dilas.FullEveryHours!.Value);
        dilas.IncrementalSeconds!.Value.ShouldBeLessThan(120, "0.4 of the RPO");
    }

    private static SiteForecast Forecast(PlannedSystems planned, string at, double? capacity, SiteId? lost = null) => SiteForecast.Make(planned, lost ?? Places.ProductionSite, PlannedMoment.Parse(at), capacity, 1, Seeds, null, CancellationToken.None);
}
