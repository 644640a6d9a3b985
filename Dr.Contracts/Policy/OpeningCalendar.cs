using Dr.Contracts.Mqtt;

namespace Dr.Contracts.Policy;

/// <summary>When the library is open, local time. Closed days are idle all day: the time for large checks.</summary>
[GenerateSerializer, Immutable, Alias("dr.OpeningCalendar")]
public sealed record OpeningCalendar
{
    /// <summary>Shenzhen Library's year: 09:00–20:00, closed on Mondays.</summary>
    public static OpeningCalendar Default { get; } = new() { ClosedDays = [DayOfWeek.Monday] };

    [Id(0)] public TimeOnly Opens { get; init; } = new(9, 0);

    [Id(1)] public TimeOnly Closes { get; init; } = new(20, 0);

    [Id(2)] public IReadOnlyList<DayOfWeek> ClosedDays { get; init; } = [];

    public TimeSpan OpenPerDay => Closes - Opens;

    public bool IsOpenDay(DateOnly day) => !ClosedDays.Contains(day.DayOfWeek);

    public HourClass ClassAt(DateTime local) =>
        IsOpenDay(DateOnly.FromDateTime(local)) && TimeOnly.FromDateTime(local) >= Opens && TimeOnly.FromDateTime(local) < Closes ? HourClass.Busy : HourClass.Idle;

    /// <summary>How much of the span from <paramref name="from"/> to <paramref name="to"/> lies in opening hours.</summary>
    public TimeSpan OpenBetween(DateTime from, DateTime to)
    {
        var open = TimeSpan.Zero;
        for (var day = DateOnly.FromDateTime(from); day <= DateOnly.FromDateTime(to); day = day.AddDays(1))
        {
            if (!IsOpenDay(day))
            {
                continue;
            }

            var (start, end) = (day.ToDateTime(Opens), day.ToDateTime(Closes));
            var (a, b) = (start > from ? start : from, end < to ? end : to);
            open += b > a ? b - a : TimeSpan.Zero;
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
    public DateTime NextIdle(DateTime local) => ClassAt(local) == HourClass.Idle ? local : DateOnly.FromDateTime(local).ToDateTime(Closes);
}
