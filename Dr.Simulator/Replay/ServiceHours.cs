using Dr.Contracts.Policy;

namespace Dr.Simulator.Replay;

/// <summary>
/// The hours that count: opening hours, and the same hours of a closed day on which the log counts a service day all the same.
/// </summary>
internal sealed class ServiceHours(OpeningCalendar calendar, IReadOnlySet<DateOnly> alsoCounted)
{
    public static readonly TimeSpan Zone = TimeSpan.FromHours(8);

    public OpeningCalendar Calendar { get; } = calendar;

    public TimeSpan Between(DateTimeOffset from, DateTimeOffset to)
    {
        var total = TimeSpan.Zero;
        var (a, b) = (Local(from), Local(to));
        for (var day = DateOnly.FromDateTime(a); day <= DateOnly.FromDateTime(b); day = day.AddDays(1))
        {
            if (!Calendar.IsOpenDay(day) && !alsoCounted.Contains(day))
            {
                continue;
            }

            var (open, close) = (day.ToDateTime(Calendar.Opens), day.ToDateTime(Calendar.Closes));
            var (start, end) = (open > a ? open : a, close < b ? close : b);
            total += end > start ? end - start : TimeSpan.Zero;
        }

        return total;
    }

    public static DateTimeOffset At(DateOnly day, TimeOnly time) => new(day.ToDateTime(time), Zone);

    public DateTimeOffset ClosingOf(DateTimeOffset at) => At(DateOnly.FromDateTime(Local(at)), Calendar.Closes);

    private static DateTime Local(DateTimeOffset at) => at.ToOffset(Zone).DateTime;
}
