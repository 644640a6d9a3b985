using Dr.Contracts.Policy;
using Dr.Simulator.Replay;

namespace Dr.Simulator.Reports.Charts;

/// <summary>A column a week, a row a weekday; the number of faults is written into the day.</summary>
internal static class CalendarChart
{
    public static string Draw(ReplayResult result, Texts texts)
    {
        const double cell = 15.4, left = 34, top = 20;
        var byDay = result.Incidents.ToLookup(i => DateOnly.FromDateTime(i.Strike.ToOffset(ServiceHours.Zone).DateTime));
        var start = result.First.AddDays(-(((int)result.First.DayOfWeek + 6) % 7));
        var svg = new Svg(top + (7 * cell) + 4, texts["calendar"]);
        foreach (var (day, row) in new[] { (1, 0), (3, 2), (5, 4), (0, 6) })
        {
            svg.Text(left - 8, top + (row * cell) + 11, texts[$"day.{day}"], "soft", "end");
        }

        var month = 0;
        for (var day = result.First; day <= result.Last; day = day.AddDays(1))
        {
            var offset = day.DayNumber - start.DayNumber;
            var (x, y) = (left + (offset / 7 * cell), top + (offset % 7 * cell));
            if (day.Month != month && day.Day <= 7)
            {
                month = day.Month;
                svg.Text(x, 12, texts.Month(day), "soft");
            }

            var faults = byDay[day].ToArray();
            var after = Array.Exists(faults, f => f.MinutesAfter >= result.DayCountsFromMinutes);
            var style = after ? "lost" : faults.Length > 0 ? "before" : OpeningCalendar.Default.IsOpenDay(day) ? "open" : "closed";
            svg.Rect(x, y, cell - 2.4, cell - 2.4, style, 2.5, $"{texts.Date(day)}{(faults.Length > 0 ? $": {texts.List(faults.Select(texts.Name))}" : "")}");
            if (faults.Length > 0)
            {
                svg.Text(x + ((cell - 2.4) / 2), y + 9.8, $"{faults.Length}", after ? "day inverse" : "day", "middle");
            }
        }

        return svg.ToString();
    }
}
