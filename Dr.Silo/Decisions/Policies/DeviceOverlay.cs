using Dr.Contracts.Grains;
using Dr.Contracts.Policy;

namespace Dr.Silo.Decisions.Policies;

/// <summary>A device's configuration with the hours of its branch's calendar. Pure.</summary>
public static class DeviceOverlay
{
    public static DeviceSettings Of(DeviceSettings configured, PolicyBook book)
    {
        ArgumentNullException.ThrowIfNull(configured);
        ArgumentNullException.ThrowIfNull(book);
        return configured.Calendar is { } name && book.Calendars.FirstOrDefault(c => c.Name == name) is { } calendar
            ? configured with { Config = With(configured.Config, calendar) }
            : configured;
    }

    private static DeviceConfig With(DeviceConfig config, OpeningCalendar calendar)
    {
        // Hours of a week without a day of its own; those days go beside them.
        var week = calendar with { Days = [] };
        var monday = new DateOnly(2024, 1, 1);
        var hours = Enumerable.Range(0, 7).Select(monday.AddDays).Where(week.IsOpenDay).ToDictionary(d => d.DayOfWeek, d => week.HoursOn(d)!.Value.ToString());
        return config with
        {
            TimeZone = calendar.TimeZone,
            // A week that is closed every day must not look like one that nothing is known of.
            BusyHours = hours.Count > 0 ? hours : new Dictionary<DayOfWeek, string> { [DayOfWeek.Sunday] = DeviceConfig.Closed },
            Days = calendar.Days.ToDictionary(d => d.Date.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), d => d.Hours?.ToString() ?? DeviceConfig.Closed),
        };
    }
}
