using Dr.Contracts.Errors;
using Dr.Contracts.Grains;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Contracts.Policy;
using Dr.Silo.Decisions.Policies;

namespace Dr.Silo.Tests.Decisions;

public sealed class PolicyTests
{
    private static readonly BackupPolicy Good = new()
    {
        Name = "1",
        Systems = [new SystemId("dilas")],
        Kind = BusinessKind.RealTime,
        Periods = new PolicyPeriods { Full = TimeSpan.FromDays(1), Incremental = TimeSpan.FromMinutes(5) },
        Bandwidth = new BandwidthClass("internet", 5, false),
        Targets = new PolicyTargets(),
        ChangeGigabytesPerDay = 2,
    };

    [Fact]
    public void A_good_policy_has_nothing_against_it() => PolicyRules.Check(Good, new PolicyTimers()).ShouldBeEmpty();

    [Fact]
    public void Five_minutes_between_deltas_cannot_promise_five_minutes_of_loss() =>
        PolicyRules.Check(Good with { CopyMode = CopyMode.Delta }, new PolicyTimers()).ShouldHaveSingleItem().ShouldContain("0.4 × RPO");

    [Fact]
    public void Changes_that_the_line_cannot_carry_are_refused() =>
        PolicyRules.Check(Good with { ChangeGigabytesPerDay = 40 }, new PolicyTimers()).ShouldHaveSingleItem().ShouldContain("Mbit/s");

    [Fact]
    public void A_lease_that_one_lost_beat_ends_is_refused() =>
        PolicyRules.Check(Good, new PolicyTimers { BeatPeriod = TimeSpan.FromSeconds(4), DetectionDeadline = TimeSpan.FromSeconds(12) }).ShouldHaveSingleItem().ShouldContain("lease");

    [Fact]
    public void Timers_that_add_up_beyond_the_recovery_objective_are_refused() =>
        PolicyRules.Check(Good with { Targets = new PolicyTargets { Rto = TimeSpan.FromSeconds(40) } }, new PolicyTimers()).ShouldHaveSingleItem().ShouldContain("RTO");

    [Fact]
    public void A_system_in_two_policies_is_refused() =>
        PolicyRules.CheckAll([Good, Good with { Name = "2" }], [], _ => new PolicyTimers()).ShouldHaveSingleItem().ShouldContain("dilas");

    [Theory]
    [InlineData("kind", "realtime", "sometimes", "line 2, column kind")]
    [InlineData("period", "5m", "5x", "line 2, column incremental_every")]
    [InlineData("number", ",5,no", ",much,no", "line 2, column link_mbps")]
    [InlineData("field", "internet,5", "internet", "13 fields")]
    [InlineData("header", "network", "netz", "column 'network' is missing")]
    public void A_bad_table_is_refused_with_file_line_and_column(string what, string find, string with, string expected)
    {
        const string Table = "group,system_ids,kind,full_every,incremental_every,differential_every,application_every,network,link_mbps,link_shared,servers,disk_tb,tape_tb,expected_fault_rate_below_percent\n"
            + "1,dilas,realtime,1d,5m,,1d,internet,5,no,1 x IBM P750,5,5,2\n";
        PolicyCsv.Parse(new StringReader(Table), "p.csv").Count.ShouldBe(1);
        var error = Should.Throw<DrException>(() => PolicyCsv.Parse(new StringReader(Table.Replace(find, with, StringComparison.Ordinal)), "p.csv"), what);
        error.Message.ShouldStartWith("p.csv");
        error.Message.ShouldContain(expected);
        error.Hint.ShouldNotBeNullOrEmpty();
    }

    [Fact]
    public void Mondays_are_idle_all_day_and_other_days_busy_while_open()
    {
        var calendar = OpeningCalendar.Default;
        calendar.ClassAt(new DateTime(2012, 4, 23, 12, 0, 0)).ShouldBe(HourClass.Idle);
        calendar.ClassAt(new DateTime(2012, 4, 24, 12, 0, 0)).ShouldBe(HourClass.Busy);
        calendar.ClassAt(new DateTime(2012, 4, 24, 20, 0, 0)).ShouldBe(HourClass.Idle);
        calendar.OpenDays(new DateOnly(2011, 9, 18), new DateOnly(2012, 9, 15)).ShouldBe(312);
    }

    [Fact]
    public void Small_checks_come_every_morning_large_ones_on_closing_days_and_missed_work_once()
    {
        var calendar = OpeningCalendar.Default;
        var sunday = new DateTimeOffset(2012, 4, 22, 12, 0, 0, TimeSpan.Zero);
        PolicySchedule.Next(Good, calendar, ScheduledWork.SmallCheck, sunday, sunday).ShouldBe(sunday.AddHours(16));
        PolicySchedule.Next(Good, calendar, ScheduledWork.LargeCheck, sunday, sunday).ShouldBe(sunday.AddHours(22));
        PolicySchedule.Next(Good, calendar, ScheduledWork.Incremental, sunday, sunday).ShouldBe(sunday.AddMinutes(5));
        PolicySchedule.Next(Good, calendar, ScheduledWork.Differential, sunday, sunday).ShouldBeNull();
        PolicySchedule.Next(Good, calendar, ScheduledWork.Full, sunday, sunday).ShouldBe(sunday.AddHours(14));
        PolicySchedule.Next(Good with { Drills = new DrillSchedule { SmallAt = null } }, calendar, ScheduledWork.SmallCheck, sunday, sunday).ShouldBeNull();
        var last = Enum.GetValues<ScheduledWork>().ToDictionary(w => w, _ => sunday.AddDays(-3));
        PolicySchedule.Due(Good, calendar, last, sunday).Select(d => d.Work).ShouldBe([ScheduledWork.Point, ScheduledWork.Incremental, ScheduledWork.Full, ScheduledWork.SmallCheck]);
    }

    [Theory]
    [InlineData("quiesce", "shouting", "no way to quiesce")]
    [InlineData("keep", "\"7d:1h,24h:5m\"", "does not follow")]
    [InlineData("fine_window", "1m", "fine window")]
    [InlineData("points_kept", "256", "1 to 255")]
    [InlineData("calendar", "nowhere", "no calendar 'nowhere'")]
    [InlineData("takeover", "X", "column takeover")]
    [InlineData("drill_small", "25:00", "column drill_small")]
    public void Every_further_column_is_checked_with_its_reason(string column, string value, string expected)
    {
        var change = new PolicyChange { Actor = "a", Reason = "r", Table = TableWith(column, value), TableName = "p.csv" };
        var (plan, next) = PolicyPlanner.Plan(PolicyBook.Empty, change, [], _ => new PolicyTimers(), DateTimeOffset.UnixEpoch);
        plan.Reasons.ShouldHaveSingleItem().ShouldContain(expected);
        next.ShouldBe(PolicyBook.Empty);
    }

    [Fact]
    public void What_a_table_does_not_say_stays_as_the_policy_has_it()
    {
        PolicyBook Apply(PolicyBook book, string table) => PolicyPlanner.Plan(book, new PolicyChange { Actor = "a", Reason = "r", Table = table }, [], _ => new PolicyTimers(), DateTimeOffset.UnixEpoch).Next;
        var first = Apply(PolicyBook.Empty, TableWith("rpo,quiesce,takeover", "10m,postgresql,R"));
        var second = Apply(first, TableWith("rto", "20m"));
        second.Version.ShouldBe(2);
        var policy = second.Policies.ShouldHaveSingleItem();
        (policy.Targets.Rpo, policy.Targets.Rto, policy.Quiesce, policy.Takeover).ShouldBe((TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(20), "postgresql", TakeoverClass.R));
        Apply(second, TableWith("rto", "20m")).ShouldBeSameAs(second, "the same again changes nothing");
    }

    [Fact]
    public void A_table_that_was_written_reads_as_the_same_policies()
    {
        var policy = Good with
        {
            Takeover = TakeoverClass.R, Approval = ApprovalMode.Person, LossLimit = TimeSpan.FromSeconds(90), CopyMode = CopyMode.Sync, Quiesce = "command", Calendar = "city", PointsKept = 40,
            PointPeriod = TimeSpan.Zero, Drills = new DrillSchedule { SmallAt = null, LargeAt = new TimeOnly(11, 30) },
            Retention = new RetentionRules { Keep = RetentionText.ParseTiers("24h:5m,7d:1h", "keep"), KeepManual = TimeSpan.Zero, FineWindow = TimeSpan.FromHours(6), HistoryGivesWay = true },
        };
        var read = PolicyCsv.Read(new StringReader(PolicyCsv.Write([Good, policy with { Name = "2" }])), "p.csv", []);
        read.Select(PolicyWords.Of).ShouldBe(new[] { Good, policy with { Name = "2" } }.Select(PolicyWords.Of));
    }

    [Fact]
    public void Deltas_are_judged_by_the_mode_that_the_system_has()
    {
        var system = Systems.Dilas with { CopyMode = CopyMode.Delta };
        var change = new PolicyChange { Actor = "a", Reason = "r", Policies = [Good] };
        PolicyPlanner.Plan(PolicyBook.Empty, change, [system], _ => new PolicyTimers(), DateTimeOffset.UnixEpoch).Plan.Reasons.ShouldHaveSingleItem().ShouldContain("0.4 × RPO");
        PolicyPlanner.Plan(PolicyBook.Empty, change, [Systems.Dilas], _ => new PolicyTimers(), DateTimeOffset.UnixEpoch).Plan.Reasons.ShouldBeEmpty();
    }

    [Fact]
    public void A_change_of_what_was_not_looked_at_is_refused()
    {
        var book = PolicyBook.Empty with { Version = 3 };
        PolicyPlanner.Plan(book, new PolicyChange { Actor = "a", Reason = "r", Policies = [Good], Seen = 2 }, [], _ => new PolicyTimers(), DateTimeOffset.UnixEpoch).Plan.Reasons.ShouldHaveSingleItem().ShouldContain("version 3");
    }

    [Fact]
    public void A_policy_goes_before_the_configuration_where_both_speak()
    {
        var book = new PolicyBook { Version = 4, Policies = [Good with { Takeover = TakeoverClass.R, Approval = ApprovalMode.Person, Targets = new PolicyTargets { Rpo = TimeSpan.FromMinutes(2) } }] };
        var effective = PolicyOverlay.Of(Systems.Dilas, book);
        (effective.Class, effective.Approval, effective.LossLimit, effective.PolicyVersion, effective.Policy).ShouldBe((TakeoverClass.R, ApprovalMode.Person, TimeSpan.FromMinutes(2), 4L, "1"));
        PolicyOverlay.Of(Systems.Dilas with { Id = new SystemId("opac") }, book).Class.ShouldBe(TakeoverClass.T);
    }

    [Fact]
    public void The_published_table_fits_together_as_it_is()
    {
        var file = Path.Combine(AppContext.BaseDirectory, "backup-policies.csv");
        PolicyCsv.Parse(File.OpenText(file), file).Count.ShouldBe(9);
    }

    [Fact]
    public void A_fault_rate_counts_opening_days_once_each()
    {
        var calendar = OpeningCalendar.Default;
        var (first, last) = (new DateTimeOffset(2011, 9, 18, 12, 0, 0, TimeSpan.Zero), new DateTimeOffset(2012, 9, 15, 12, 0, 0, TimeSpan.Zero));
        var monday = new DateTimeOffset(2012, 4, 23, 12, 0, 0, TimeSpan.Zero);
        FaultRate.Of(calendar, first, last, [monday, monday.AddDays(1), monday.AddDays(1).AddHours(2), monday.AddDays(2)])!.Value.ShouldBe(100.0 * 2 / 312, 1e-9);
        FaultRate.Of(calendar, monday, monday, []).ShouldBeNull("a closed day is no opening day");
    }

    private static string TableWith(string columns, string values) =>
        $"group,system_ids,kind,full_every,incremental_every,differential_every,application_every,network,link_mbps,link_shared,servers,disk_tb,tape_tb,expected_fault_rate_below_percent,{columns}\n"
        + $"1,dilas,realtime,1d,5m,,1d,internet,5,no,1 x IBM P750,5,5,2,{values}\n";
}
