using System.Text;
using Dr.Contracts.Policy;
using Dr.Simulator.Replay;

namespace Dr.Simulator.Reports;

/// <summary>The charts, as inline SVG.</summary>
internal static partial class HtmlReport
{
    private static string Bars(ReplayResult result)
    {
        const int row = 24, left = 210, width = 1000;
        var systems = result.Systems.OrderByDescending(s => s.DaysBefore).ThenBy(s => s.System.Value, StringComparer.Ordinal).ToArray();
        var scale = (width - left - 60.0) / Math.Max(1, systems.Max(s => Math.Max(s.DaysBefore, s.DaysAfter)));
        var svg = new StringBuilder(Svg(width, systems.Length * row, "Days lost per system before and after"));
        for (var i = 0; i < systems.Length; i++)
        {
            var (s, y) = (systems[i], i * row);
            svg.Append(I($"<text x=\"{left - 10}\" y=\"{y + 16}\" text-anchor=\"end\">{Text(s.Name)}</text>"));
            svg.Append(I($"<rect x=\"{left}\" y=\"{y + 4}\" width=\"{s.DaysBefore * scale:0.0}\" height=\"9\" rx=\"2\" fill=\"#d9a79f\"/><rect x=\"{left}\" y=\"{y + 14}\" width=\"{Math.Max(1.5, s.DaysAfter * scale):0.0}\" height=\"6\" rx=\"2\" fill=\"#2f7d5b\"/>"));
            svg.Append(I($"<text class=\"soft\" x=\"{left + (Math.Max(s.DaysBefore, s.DaysAfter) * scale) + 8:0.0}\" y=\"{y + 16}\">{s.DaysBefore} → {s.DaysAfter}</text>"));
        }

        return svg.Append("</svg>").ToString();
    }

    /// <summary>A column a week, a row a weekday; the number of faults darkens a day.</summary>
    private static string Calendar(ReplayResult result)
    {
        const int cell = 17, left = 44, top = 20;
        var byDay = result.Incidents.ToLookup(i => DateOnly.FromDateTime(i.Strike.DateTime));
        var start = result.First.AddDays(-(((int)result.First.DayOfWeek + 6) % 7));
        var weeks = ((result.Last.DayNumber - start.DayNumber) / 7) + 1;
        var svg = new StringBuilder(Svg(left + (weeks * cell) + 4, top + (7 * cell) + 4, "Calendar of the year"));
        foreach (var (name, index) in new[] { ("Mon", 0), ("Wed", 2), ("Fri", 4), ("Sun", 6) })
        {
            svg.Append(I($"<text class=\"soft\" x=\"0\" y=\"{top + (index * cell) + 12}\">{name}</text>"));
        }

        var month = 0;
        for (var day = result.First; day <= result.Last; day = day.AddDays(1))
        {
            var offset = day.DayNumber - start.DayNumber;
            var (x, y) = (left + (offset / 7 * cell), top + (offset % 7 * cell));
            if (day.Month != month && day.Day <= 7)
            {
                month = day.Month;
                svg.Append(I($"<text class=\"soft\" x=\"{x}\" y=\"12\">{day:MMM}</text>"));
            }

            var faults = byDay[day].ToArray();
            var lostAfter = faults.Any(f => f.MinutesAfter >= result.DayCountsFromMinutes);
            var fill = lostAfter ? "#b5402f" : faults.Length > 0 ? "#d9a79f" : OpeningCalendar.Default.IsOpenDay(day) ? "#f7f9fa" : "#e8ecef";
            svg.Append(I($"<rect x=\"{x}\" y=\"{y}\" width=\"{cell - 3}\" height=\"{cell - 3}\" rx=\"3\" fill=\"{fill}\" stroke=\"#dfe5ea\" stroke-width=\".7\"><title>{day:yyyy-MM-dd}{(faults.Length > 0 ? ": " + Text(string.Join(", ", faults.Select(f => f.System.Value))) : "")}</title></rect>"));
        }

        return svg.Append("</svg>").ToString();
    }

    private static string Times(ReplayResult result)
    {
        const int width = 1000, left = 110, row = 46;
        double X(double seconds) => left + (Math.Log10(Math.Clamp(seconds, 0.1, 2000) / 0.1) / Math.Log10(20000) * (width - left - 20));
        var rows = new (string Name, string Colour, double[] Values)[]
        {
            ("detected", "#3b6ea5", [.. result.Incidents.Select(i => i.DetectionSeconds).OfType<double>().Order()]),
            ("served again", "#2f7d5b", [.. result.Incidents.Select(i => i.RtoSeconds).OfType<double>().Order()]),
        };
        var svg = new StringBuilder(Svg(width, (rows.Length * row) + 30, "Distribution of detection and recovery times"));
        foreach (var (seconds, label) in new[] { (0.1, "0.1 s"), (1.0, "1 s"), (10.0, "10 s"), (60.0, "1 min"), (300.0, "5 min"), (1800.0, "RTO 30 min") })
        {
            svg.Append(I($"<line x1=\"{X(seconds):0.0}\" x2=\"{X(seconds):0.0}\" y1=\"0\" y2=\"{rows.Length * row}\" stroke=\"#dfe5ea\"/><text class=\"soft\" x=\"{X(seconds):0.0}\" y=\"{(rows.Length * row) + 18}\" text-anchor=\"middle\">{label}</text>"));
        }

        for (var i = 0; i < rows.Length; i++)
        {
            var (name, colour, values) = rows[i];
            var y = (i * row) + 20;
            svg.Append(I($"<text x=\"{left - 12}\" y=\"{y + 4}\" text-anchor=\"end\">{name}</text>"));
            foreach (var value in values)
            {
                svg.Append(I($"<circle cx=\"{X(value):0.0}\" cy=\"{y}\" r=\"5\" fill=\"{colour}\" fill-opacity=\".35\"/>"));
            }

            if (values.Length > 0)
            {
                svg.Append(I($"<text class=\"soft\" x=\"{left}\" y=\"{y + 22}\">median {Figures.Seconds(values[values.Length / 2])}, 95 % within {Figures.Seconds(values[(int)(values.Length * 0.95)])}, all within {Figures.Seconds(values[^1])}</text>"));
            }
        }

        return svg.Append("</svg>").ToString();
    }

    private static string Svg(int width, int height, string title) => I($"<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{title}\">");

    private static string I(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
