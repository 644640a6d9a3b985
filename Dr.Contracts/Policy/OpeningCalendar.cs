using Dr.Contracts.Mqtt;

namespace Dr.Contracts.Policy;

/// <summary>
/// When a branch is open, in its own time zone. Closed days are idle all day: the time for large checks. Local times that a change to summer time leaves out do not
/// happen, those that come twice are open twice; so a day of change is longer or shorter than others.
/// </summary>
[GenerateSerializer, Immutable, Alias("dr.OpeningCalendar")]
public sealed record OpeningCalendar
{
    /// <summary>Shenzhen Library's year: 09:00–20:00, closed on Mondays.</summary>
    public static OpeningCalendar Default { get; } = new() { ClosedDays = [DayOfWeek.Monday] };

    /// <summary>Hours of the days that have none of their own in <see cref="Week"/>.</summary>
    [Id(0)] public TimeOnly Opens { get; init; } = new(9, 0);

    [Id(1)] public TimeOnly Closes { get; init; } = new(20, 0);

    [Id(2)] public IReadOnlyList<DayOfWeek> ClosedDays { get; init; } = [];

    /// <summary>Policies and branches refer to it by this.</summary>
    [Id(3)] public string Name { get; init; } = "default";

    /// <summary>IANA name, for example <c>Asia/Shanghai</c>.</summary>
    [Id(4)] public string TimeZone { get; init; } = "UTC";

    /// <summary>Days of the week with hours of their own.</summary>
    [Id(5)] public IReadOnlyDictionary<DayOfWeek, OpeningHours> Week { get; init; } = new Dictionary<DayOfWeek, OpeningHours>();

    /// <summary>Holidays and days with hours of their own; they go before the day of the week.</summary>
    [Id(6)] public IReadOnlyList<CalendarDay> Days { get; init; } = [];

    public TimeSpan OpenPerDay => Closes - Opens;

    /// <summary>Null = closed.</summary>
    public OpeningHours? HoursOn(DateOnly day)
    {
        foreach (var special in Days)
        {
            if (special.Date == day)
            {
                return special.Hours;
            }
        }

        return ClosedDays.Contains(day.DayOfWeek) ? null : Week.TryGetValue(day.DayOfWeek, out var hours) ? hours : new OpeningHours(Opens, Closes);
    }

    public bool IsOpenDay(DateOnly day) => HoursOn(day) is not null;

    public HourClass ClassAt(DateTime local) =>
        HoursOn(DateOnly.FromDateTime(local)) is { } hours && hours.Contains(TimeOnly.FromDateTime(local)) ? HourClass.Busy : HourClass.Idle;

    public HourClass ClassAt(DateTimeOffset instant) => ClassAt(Local(instant));

    /// <summary>The branch's own clock at an instant.</summary>
    /// <exception cref="TimeZoneNotFoundException">The zone is not known; the rules of policies refuse such a calendar.</exception>
    public DateTime Local(DateTimeOffset instant) => TimeZoneInfo.ConvertTime(instant, Zone()).DateTime;

    /// <summary>The instant at which the branch's clock first shows <paramref name="local"/>; for a time that a change of the clock leaves out, the instant of the change.</summary>
    public DateTimeOffset Instant(DateTime local)
    {
        var zone = Zone();
        local = DateTime.SpecifyKind(local, DateTimeKind.Unspecified);
        if (zone.IsInvalidTime(local))
        {
            // The clock jumps over it to the first full minute that it shows again.
            var after = local.AddTicks(-(local.Ticks % TimeSpan.TicksPerMinute));
            while (zone.IsInvalidTime(after))
            {
                after = after.AddMinutes(1);
            }

            return new DateTimeOffset(after, zone.GetUtcOffset(after));
        }

        return new DateTimeOffset(local, zone.IsAmbiguousTime(local) ? zone.GetAmbiguousTimeOffsets(local).Max() : zone.GetUtcOffset(local));
    }

    /// <summary>How much of the span from <paramref name="from"/> to <paramref name="to"/> (local, by a clock that is never put forward or back) lies in opening hours.</summary>
    public TimeSpan OpenBetween(DateTime from, DateTime to)
    {
        var open = TimeSpan.Zero;
        for (var day = DateOnly.FromDateTime(from); day <= DateOnly.FromDateTime(to); day = day.AddDays(1))
        {
            if (HoursOn(day) is not { } hours)
            {
                continue;
            }

            var midnight = day.ToDateTime(TimeOnly.MinValue);
            open += Overlap(midnight + hours.From.ToTimeSpan(), midnight + hours.End, from, to);
        }

        return open;
    }

    /// <summary>How much real time between two instants lies in opening hours, whatever the clocks do in between.</summary>
    public TimeSpan OpenBetween(DateTimeOffset from, DateTimeOffset to)
    {
        if (to <= from)
        {
            return TimeSpan.Zero;
        }

        var zone = Zone();
        var open = TimeSpan.Zero;
        var at = from.ToUniversalTime();
        var until = to.ToUniversalTime();
        while (at < until)
        {
            // Pieces within one local day and one offset: there local and real time run alike.
            var offset = zone.GetUtcOffset(at);
            var local = at.UtcDateTime + offset;
            var end = Min(until, new DateTimeOffset(local.Date.AddDays(1) - offset, TimeSpan.Zero));
            if (zone.GetUtcOffset(end.AddTicks(-1)) != offset)
            {
                end = FirstOfOtherOffset(zone, at, end, offset);
            }

            if (HoursOn(DateOnly.FromDateTime(local)) is { } hours)
            {
                open += Overlap(local.Date + hours.From.ToTimeSpan(), local.Date + hours.End, local, end.UtcDateTime + offset);
            }

            at = end;
        }

        return open;
    }

    /// <summary>Open days from <paramref name="first"/> to <paramref name="last"/>, both included.</summary>
    public int OpenDays(DateOnly first, DateOnly last)
    {
        var count = 0;
        for (var day = first; day <= last; day = day.AddDays(1))
        {
            count += IsOpenDay(day) ? 1 : 0;
        }

        return count;
    }

    /// <summary>The next moment outside opening hours at or after <paramref name="local"/>.</summary>
    public DateTime NextIdle(DateTime local)
    {
        // Hours up to midnight may go on at once the day after; a week in which that never ends is always open.
        for (var days = 0; ClassAt(local) == HourClass.Busy && days < 8; days++)
        {
            local = local.Date + HoursOn(DateOnly.FromDateTime(local))!.Value.End;
        }

        return local;
    }

    private TimeZoneInfo Zone() => TimeZoneInfo.FindSystemTimeZoneById(TimeZone);

    private static DateTimeOffset FirstOfOtherOffset(TimeZoneInfo zone, DateTimeOffset from, DateTimeOffset to, TimeSpan offset)
    {
        var (low, high) = (from.UtcTicks, to.UtcTicks - 1);
        while (high - low > 1)
        {
            var middle = low + ((high - low) / 2);
            (low, high) = zone.GetUtcOffset(new DateTimeOffset(middle, TimeSpan.Zero)) == offset ? (middle, high) : (low, middle);
        }

        return new DateTimeOffset(high, TimeSpan.Zero);
    }

    private static TimeSpan Overlap(DateTime start, DateTime end, DateTime from, DateTime to)
    {
        var (a, b) = (start > from ? start : from, end < to ? end : to);
        return b > a ? b - a : TimeSpan.Zero;
    }

    private static DateTimeOffset Min(DateTimeOffset a, DateTimeOffset b) => a < b ? a : b;
}
