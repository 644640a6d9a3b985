using Dr.Contracts.Policy;

namespace Dr.Silo.Decisions.Policies;

/// <summary>Calendars as people write them: hours, closed days, and days of their own (<c>2026-02-17=closed</c>, <c>Sunday=10:00-18:00</c>).</summary>
public static class CalendarText
{
    private const string Hint = "Write a date or a day of the week, '=', and hours or 'closed': 2026-02-17=closed, Sunday=10:00-18:00.";

    /// <exception cref="DrException">A part cannot be read.</exception>
    public static OpeningCalendar Parse(string name, string zone, string hours, IReadOnlyList<DayOfWeek> closed, IReadOnlyList<string> days)
    {
        ArgumentNullException.ThrowIfNull(days);
        var usual = OpeningHours.TryParse(hours, out var parsed) ? parsed : throw new DrException($"'{hours}' are no opening hours.", "Write them like 09:00-20:00; an end of 24:00 is the end of the day.");
        var week = new Dictionary<DayOfWeek, OpeningHours>();
        var closedDays = new HashSet<DayOfWeek>(closed);
        List<CalendarDay> special = [];
        foreach (var day in days)
        {
            var parts = day.Split('=', 2);
            if (parts.Length != 2 || Hours(parts[1]) is not { } open)
            {
                throw new DrException($"'{day}' is no day of a calendar.", Hint);
            }

            if (DateOnly.TryParseExact(parts[0], "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var date))
            {
                special.Add(new CalendarDay(date, open.Value, null));
            }
            else if (Enum.TryParse<DayOfWeek>(parts[0], ignoreCase: true, out var weekday) && !char.IsDigit(parts[0][0]))
            {
                _ = open.Value is { } own ? week.TryAdd(weekday, own) && closedDays.Remove(weekday) : closedDays.Add(weekday);
            }
            else
            {
                throw new DrException($"'{parts[0]}' is neither a date nor a day of the week.", Hint);
            }
        }

        return new OpeningCalendar { Name = name, TimeZone = zone, Opens = usual.From, Closes = usual.To, ClosedDays = [.. closedDays.Order()], Week = week, Days = [.. special.OrderBy(d => d.Date)] };
    }

    private static (OpeningHours? Value, bool Known)? Hours(string text) =>
        text == "closed" ? (null, true) : OpeningHours.TryParse(text, out var hours) ? (hours, true) : null;
}
