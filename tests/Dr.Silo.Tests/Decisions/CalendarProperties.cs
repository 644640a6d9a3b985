using CsCheck;
using Dr.Contracts.Mqtt;
using Dr.Contracts.Policy;
using Dr.Silo.Decisions.Policies;

namespace Dr.Silo.Tests.Decisions;

/// <summary>Calendars over changes of the clock, year ends and leap days, against a clock that is read minute by minute.</summary>
public sealed class CalendarProperties
{
    private static readonly string[] Zones = ["UTC", "Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Sao_Paulo", "Pacific/Apia"];

    private static readonly int[] Periods = [5, 30, 60, 24 * 60, 48 * 60];

    private static readonly Gen<OpeningHours> GenHours = Gen.Select(Gen.Int[0, 23 * 4], Gen.Int[1, 24 * 4], (from, length) =>
        new OpeningHours(TimeOnly.MinValue.AddMinutes(from * 15), from + length >= 96 ? TimeOnly.MaxValue : TimeOnly.MinValue.AddMinutes((from + length) * 15)));

    // Around what calendars stumble over: ends of years, the leap day, both changes of the clock in either hemisphere, the day that Samoa left out.
    private static readonly DateTimeOffset[] Corners =
    [
        new(2023, 12, 31, 0, 0, 0, TimeSpan.Zero), new(2024, 2, 28, 12, 0, 0, TimeSpan.Zero), new(2026, 3, 28, 12, 0, 0, TimeSpan.Zero), new(2026, 10, 24, 12, 0, 0, TimeSpan.Zero),
        new(2026, 3, 7, 12, 0, 0, TimeSpan.Zero), new(2026, 10, 31, 12, 0, 0, TimeSpan.Zero), new(2026, 4, 4, 0, 0, 0, TimeSpan.Zero), new(2026, 10, 3, 0, 0, 0, TimeSpan.Zero),
        new(2018, 11, 3, 0, 0, 0, TimeSpan.Zero), new(2018, 2, 17, 0, 0, 0, TimeSpan.Zero), new(2011, 12, 29, 0, 0, 0, TimeSpan.Zero),
    ];

    private static readonly Gen<OpeningCalendar> GenCalendar = Gen.Select(
        Gen.Int[0, Zones.Length - 1].Select(i => Zones[i]), GenHours.Where(h => h.To != TimeOnly.MaxValue), Gen.Enum<DayOfWeek>().Array[0, 3], Gen.Enum<DayOfWeek>(), GenHours, Gen.Int[0, Corners.Length - 1], GenHours,
        (zone, usual, closed, own, hours, corner, special) => new OpeningCalendar
        {
            TimeZone = zone,
            Opens = usual.From,
            Closes = usual.To,
            ClosedDays = closed.Where(d => d != own).Distinct().ToArray(),
            Week = new Dictionary<DayOfWeek, OpeningHours> { [own] = hours },
            Days = [new CalendarDay(DateOnly.FromDateTime(Corners[corner].Date.AddDays(1)), special, null), new CalendarDay(DateOnly.FromDateTime(Corners[corner].Date.AddDays(2)), null, "holiday")],
        });

    private static readonly Gen<DateTimeOffset> GenInstant = Gen.Select(Gen.Int[0, Corners.Length - 1].Select(i => Corners[i]), Gen.Int[0, 4 * 24 * 60], (corner, minutes) => corner.AddMinutes(minutes));

    [Fact]
    public void Open_time_is_what_a_clock_on_the_wall_shows_minute_by_minute() => Gen.Select(GenCalendar, GenInstant, Gen.Int[0, 3 * 24 * 60]).Sample(
        (calendar, from, minutes) =>
        {
            var shown = 0;
            for (var i = 0; i < minutes; i += 15)
            {
                // Everything lies on quarters of an hour, and so does every change of these zones' clocks.
                shown += calendar.ClassAt(Quarter(from).AddMinutes(i)) == HourClass.Busy ? 15 : 0;
            }

            var length = (minutes + 14) / 15 * 15;
            calendar.OpenBetween(Quarter(from), Quarter(from).AddMinutes(length)).TotalMinutes.ShouldBe(shown, $"{calendar} from {from:O} for {length} min");
        },
        iter: 10_000);

    [Fact]
    public void Open_time_of_two_spans_is_that_of_both_together() => Gen.Select(GenCalendar, GenInstant, Gen.Int[0, 5000], Gen.Int[0, 5000]).Sample(
        (calendar, from, first, second) =>
            calendar.OpenBetween(from, from.AddMinutes(first)) + calendar.OpenBetween(from.AddMinutes(first), from.AddMinutes(first + second)) == calendar.OpenBetween(from, from.AddMinutes(first + second)),
        iter: 10_000);

    [Fact]
    public void A_local_time_and_its_instant_are_the_same_moment_unless_the_clock_jumps_over_it() => Gen.Select(GenCalendar, GenInstant).Sample(
        (calendar, at) =>
        {
            var local = calendar.Local(at);
            var back = calendar.Instant(local);
            var zone = TimeZoneInfo.FindSystemTimeZoneById(calendar.TimeZone);
            return calendar.Local(back) == local && back <= at && (back == at || zone.IsAmbiguousTime(local));
        },
        iter: 10_000);

    [Fact]
    public void Work_is_due_after_its_last_run_and_never_more_than_a_day_late() => Gen.Select(GenCalendar, GenInstant, Gen.Int[0, Periods.Length - 1].Select(i => Periods[i])).Sample(
        (calendar, last, minutes) =>
        {
            var period = TimeSpan.FromMinutes(minutes);
            var policy = new BackupPolicy
            {
                Name = "p", Systems = [], Kind = BusinessKind.RealTime, Periods = new PolicyPeriods { Full = period }, Bandwidth = new BandwidthClass("n", 1, false), Targets = new PolicyTargets(),
            };
            var next = PolicySchedule.Next(policy, calendar, ScheduledWork.Full, last, last)!.Value;
            return minutes < 24 * 60 ? next == last + period : next > last && next <= last + period + TimeSpan.FromHours(26)
                && (next >= last + period - TimeSpan.FromHours(26) || calendar.TimeZone == "Pacific/Apia"); // Where a whole day was left out, dates are closer than periods.
        },
        iter: 10_000);

    [Fact]
    public void Drills_come_once_a_day_at_their_hour_and_large_ones_on_closed_days_only() => Gen.Select(GenCalendar, GenInstant).Sample(
        (calendar, from) =>
        {
            var policy = new BackupPolicy { Name = "p", Systems = [], Kind = BusinessKind.RealTime, Periods = new PolicyPeriods(), Bandwidth = new BandwidthClass("n", 1, false), Targets = new PolicyTargets() };
            var small = PolicySchedule.Next(policy, calendar, ScheduledWork.SmallCheck, from, from)!.Value;
            var again = PolicySchedule.Next(policy, calendar, ScheduledWork.SmallCheck, small, small)!.Value;
            var large = PolicySchedule.Next(policy, calendar, ScheduledWork.LargeCheck, from, from)!.Value;
            return small > from - TimeSpan.FromTicks(1) && again - small is var gap && (gap >= TimeSpan.FromHours(20) || calendar.TimeZone == "Pacific/Apia") && gap <= TimeSpan.FromHours(49)
                && (!calendar.IsOpenDay(DateOnly.FromDateTime(calendar.Local(large))) || calendar.Local(large).DayOfWeek == DayOfWeek.Monday);
        },
        iter: 10_000);

    [Fact]
    public void Hours_read_as_they_are_written() => GenHours.Sample(hours => OpeningHours.TryParse(hours.ToString(), out var read) && read == hours, iter: 10_000);

    [Theory]
    [InlineData("Mars/Olympus", "time zone 'Mars/Olympus'")]
    public void A_zone_that_is_not_known_is_refused(string zone, string expected) =>
        CalendarRules.Check(new OpeningCalendar { TimeZone = zone }).ShouldHaveSingleItem().ShouldContain(expected);

    [Fact]
    public void A_calendar_is_read_as_people_write_it()
    {
        var calendar = CalendarText.Parse("city", "Asia/Shanghai", "09:00-21:00", [DayOfWeek.Monday], ["Sunday=10:00-18:00", "2026-02-17=closed", "2026-05-01=10:00-24:00"]);
        CalendarRules.Check(calendar).ShouldBeEmpty();
        calendar.ClassAt(new DateTimeOffset(2026, 5, 1, 15, 59, 0, TimeSpan.Zero)).ShouldBe(HourClass.Busy, "23:59 in Shenzhen");
        calendar.IsOpenDay(new DateOnly(2026, 2, 17)).ShouldBeFalse();
        calendar.IsOpenDay(new DateOnly(2026, 2, 16)).ShouldBeFalse("a Monday");
        calendar.HoursOn(new DateOnly(2026, 2, 15))!.Value.ToString().ShouldBe("10:00-18:00");
    }

    private static DateTimeOffset Quarter(DateTimeOffset at) => new(at.UtcTicks - (at.UtcTicks % TimeSpan.FromMinutes(15).Ticks), TimeSpan.Zero);
}
