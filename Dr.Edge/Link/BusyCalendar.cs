using Dr.Contracts.Policy;

namespace Dr.Edge.Link;

/// <summary>Which hours are busy, from the configuration's days and times in the branch's own time zone. Pure.</summary>
internal sealed class BusyCalendar
{
    private static readonly OpeningHours AllDay = new(TimeOnly.MinValue, TimeOnly.MaxValue);

    private readonly OpeningCalendar? _calendar;

    /// <summary>An entry or zone that cannot be understood counts as busy: the shorter period is the safe one.</summary>
    public BusyCalendar(DeviceConfig config)
    {
        if (config.BusyHours.Count == 0 || !TimeZoneInfo.TryFindSystemTimeZoneById(config.TimeZone, out _))
        {
            return;
        }

        var week = config.BusyHours.Where(d => d.Value != DeviceConfig.Closed).ToDictionary(d => d.Key, d => Hours(d.Value));
        _calendar = new OpeningCalendar
        {
            TimeZone = config.TimeZone,
            Week = week,
            ClosedDays = [.. Enum.GetValues<DayOfWeek>().Except(week.Keys)],
            Days =
            [
                .. config.Days
                    .Select(d => (IsDate: DateOnly.TryParseExact(d.Key, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var date), Date: date, Text: d.Value))
                    .Where(d => d.IsDate)
                    .Select(d => new CalendarDay(d.Date, d.Text == DeviceConfig.Closed ? null : Hours(d.Text), null)),
            ],
        };
    }

    public HourClass At(DateTimeOffset now) => _calendar?.ClassAt(now) ?? HourClass.Busy;

    private static OpeningHours Hours(string text) => OpeningHours.TryParse(text, out var hours) ? hours : AllDay;
}
