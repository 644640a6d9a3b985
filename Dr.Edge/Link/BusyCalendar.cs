namespace Dr.Edge.Link;

/// <summary>Which hours are busy, from the configuration's days and times in the branch's own time zone. Pure.</summary>
internal sealed class BusyCalendar
{
    private readonly TimeZoneInfo _zone;
    private readonly Dictionary<DayOfWeek, (TimeOnly From, TimeOnly To)> _hours = [];
    private readonly bool _always;

    /// <summary>An entry or zone that cannot be understood counts as busy: the shorter period is the safe one.</summary>
    public BusyCalendar(DeviceConfig config)
    {
        _zone = TimeZoneInfo.TryFindSystemTimeZoneById(config.TimeZone, out var zone) ? zone : TimeZoneInfo.Utc;
        _always = config.BusyHours.Count == 0 || zone is null;
        foreach (var (day, text) in config.BusyHours)
        {
            _hours[day] = TryParse(text, out var hours) ? hours : (TimeOnly.MinValue, TimeOnly.MaxValue);
        }
    }

    public HourClass At(DateTimeOffset now)
    {
        if (_always)
        {
            return HourClass.Busy;
        }

        var local = TimeZoneInfo.ConvertTime(now, _zone);
        var time = TimeOnly.FromTimeSpan(local.TimeOfDay);
        return _hours.TryGetValue(local.DayOfWeek, out var hours) && hours.From <= time && time < hours.To ? HourClass.Busy : HourClass.Idle;
    }

    private static bool TryParse(string text, out (TimeOnly From, TimeOnly To) hours)
    {
        hours = default;
        var parts = text.Split('-');
        return parts.Length == 2
            && TimeOnly.TryParseExact(parts[0].Trim(), "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out hours.From)
            && TryParseEnd(parts[1].Trim(), out hours.To)
            && hours.From < hours.To;
    }

    private static bool TryParseEnd(string text, out TimeOnly end)
    {
        end = TimeOnly.MaxValue;
        return text == "24:00" || TimeOnly.TryParseExact(text, "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out end);
    }
}
