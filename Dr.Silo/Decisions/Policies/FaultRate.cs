using Dr.Contracts.Policy;

namespace Dr.Silo.Decisions.Policies;

/// <summary>Share of the opening days with a fault, as the policies' goal counts it (48 of 312 days = 15.4 %). Pure.</summary>
public static class FaultRate
{
    public static readonly TimeSpan Window = TimeSpan.FromDays(365);

    /// <summary>Per cent of the opening days within the last year on which a fault began; null before the first opening day.</summary>
    /// <param name="since">Nothing was watched before.</param>
    public static double? Of(OpeningCalendar calendar, DateTimeOffset since, DateTimeOffset now, IEnumerable<DateTimeOffset> faults)
    {
        ArgumentNullException.ThrowIfNull(calendar);
        var from = since > now - Window ? since : now - Window;
        var (first, last) = (DateOnly.FromDateTime(calendar.Local(from)), DateOnly.FromDateTime(calendar.Local(now)));
        var days = calendar.OpenDays(first, last);
        var faulty = faults.Where(f => f >= from && f <= now).Select(f => DateOnly.FromDateTime(calendar.Local(f))).Where(calendar.IsOpenDay).Distinct().Count();
        return days == 0 ? null : 100.0 * faulty / days;
    }
}
