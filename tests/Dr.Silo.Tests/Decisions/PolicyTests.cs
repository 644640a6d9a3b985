using Dr.Contracts.Errors;
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
        PolicyRules.CheckAll([Good, Good with { Name = "2" }], new PolicyTimers()).ShouldHaveSingleItem().ShouldContain("dilas");

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
        var sunday = new DateTime(2012, 4, 22, 12, 0, 0);
        PolicySchedule.Next(Good, calendar, ScheduledWork.SmallCheck, sunday, sunday).ShouldBe(new DateTime(2012, 4, 23, 4, 0, 0));
        PolicySchedule.Next(Good, calendar, ScheduledWork.LargeCheck, sunday, sunday).ShouldBe(new DateTime(2012, 4, 23, 10, 0, 0));
        PolicySchedule.Next(Good, calendar, ScheduledWork.Incremental, sunday, sunday).ShouldBe(sunday.AddMinutes(5));
        PolicySchedule.Next(Good, calendar, ScheduledWork.Differential, sunday, sunday).ShouldBeNull();
        PolicySchedule.Next(Good, calendar, ScheduledWork.Full, sunday, sunday).ShouldBe(new DateTime(2012, 4, 23, 2, 0, 0));
        var last = Enum.GetValues<ScheduledWork>().ToDictionary(w => w, _ => sunday.AddDays(-3));
        PolicySchedule.Due(Good, calendar, last, sunday).Select(d => d.Work).ShouldBe([ScheduledWork.Point, ScheduledWork.Incremental, ScheduledWork.Full, ScheduledWork.SmallCheck]);
    }
}
