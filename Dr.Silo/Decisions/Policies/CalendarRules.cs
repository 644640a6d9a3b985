using Dr.Contracts.Policy;

namespace Dr.Silo.Decisions.Policies;

/// <summary>Checks a calendar.</summary>
public static class CalendarRules
{
    /// <summary>Days of their own in one calendar: a century of holidays would only show that something else was meant.</summary>
    public const int MostDays = 1000;

    /// <summary>Reasons against it; empty = good.</summary>
    public static IReadOnlyList<string> Check(OpeningCalendar calendar)
    {
        ArgumentNullException.ThrowIfNull(calendar);
        List<string> reasons = [];
        void Need(bool holds, string otherwise)
        {
            if (!holds)
            {
                reasons.Add($"Calendar {calendar.Name}: {otherwise}");
            }
        }

        Need(Names.IsValid(calendar.Name), "its name may have letters, digits, '-', '_' and '.'.");
        Need(TimeZoneInfo.TryFindSystemTimeZoneById(calendar.TimeZone, out _), $"time zone '{calendar.TimeZone}' is not known here; use an IANA name such as Asia/Shanghai.");
        Need(calendar.Opens < calendar.Closes, $"it opens at {calendar.Opens:HH:mm} and closes at {calendar.Closes:HH:mm}.");
        foreach (var (day, hours) in calendar.Week)
        {
            Need(hours.From < hours.To, $"{day}: {hours} ends before it begins.");
        }

        foreach (var day in calendar.Days)
        {
            Need(day.Hours is not { } hours || hours.From < hours.To, $"{day.Date:yyyy-MM-dd}: {day.Hours} ends before it begins.");
        }

        Need(calendar.Days.Count <= MostDays, $"{calendar.Days.Count} days of their own; at most {MostDays} are possible.");
        reasons.AddRange(calendar.Days.GroupBy(d => d.Date).Where(g => g.Count() > 1).Select(g => $"Calendar {calendar.Name}: {g.Key:yyyy-MM-dd} is there {g.Count()} times."));
        return reasons;
    }
}
