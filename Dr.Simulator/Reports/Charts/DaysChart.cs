using Dr.Simulator.Replay;

namespace Dr.Simulator.Reports.Charts;

/// <summary>Service days per system, before and after.</summary>
internal static class DaysChart
{
    public static string Draw(ReplayResult result, Texts texts)
    {
        const double row = 19.5, left = 218, right = Svg.Width - 58, top = 6;
        var systems = result.Systems.OrderByDescending(s => s.DaysBefore).ThenBy(s => s.System.Value, StringComparer.Ordinal).ToArray();
        var most = Math.Max(1, systems.Max(s => Math.Max(s.DaysBefore, s.DaysAfter)));
        double X(double days) => left + (days / most * (right - left));
        var bottom = top + (systems.Length * row);
        var svg = new Svg(bottom + 40, texts["systems"]);
        var step = most > 40 ? 10 : most > 12 ? 3 : 1;
        for (var days = 0; days <= most; days += step)
        {
            svg.Line(X(days), top, X(days), bottom, days == 0 ? "axis" : "grid").Text(X(days), bottom + 15, $"{days}", "soft", "middle");
        }

        svg.Text((left + right) / 2, bottom + 34, texts["axis.days"], "soft", "middle");
        for (var i = 0; i < systems.Length; i++)
        {
            var (s, y) = (systems[i], top + (i * row));
            var tip = $"{texts.Name(s)}: {s.DaysBefore} → {s.DaysAfter}";
            svg.Text(left - 10, y + 13.5, texts.Name(s), "", "end");
            svg.Rect(left, y + 2.5, X(s.DaysBefore) - left, 7.5, "before", 1.5, tip);
            svg.Rect(left, y + 11, X(s.DaysAfter) - left, 5.5, "after", 1.5, tip);
            svg.Text(X(Math.Max(s.DaysBefore, s.DaysAfter)) + 7, y + 13.5, $"{s.DaysBefore} → {s.DaysAfter}", "figure");
        }

        return svg.ToString();
    }
}
