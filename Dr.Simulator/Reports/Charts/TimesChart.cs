using Dr.Simulator.Replay;

namespace Dr.Simulator.Reports.Charts;

/// <summary>Every fault as a dot at its time, dots of about the same time on top of each other.</summary>
internal static class TimesChart
{
    private const double Radius = 4.2;

    /// <summary>Columns of dots over the whole axis.</summary>
    private const int Columns = 84;

    public static string Draw(ReplayResult result, double rtoTargetSeconds, Texts texts)
    {
        const double left = 96, right = Svg.Width - 16;
        var scale = new LogScale(0.1, 3600, left, right);
        (string Name, string Style, double[] Values)[] rows =
        [
            (texts["times.detection"], "noticed", Sorted(result.Incidents.Select(i => i.DetectionSeconds))),
            (texts["times.recovery"], "after", Sorted(result.Incidents.Select(i => i.RtoSeconds))),
        ];
        var stacks = rows.Select(r => r.Values.GroupBy(v => Column(scale.At(v), left, right)).ToDictionary(g => g.Key, g => g.Count())).ToArray();
        var heights = stacks.Select(s => Math.Max(40, (s.Values.DefaultIfEmpty(0).Max() * Radius * 2) + 8)).ToArray();
        const double caption = 20, top = 16;
        var bottom = top + heights.Sum() + (caption * rows.Length);
        var svg = new Svg(bottom + 40, texts["times"]);
        foreach (var mark in scale.MarksWithin)
        {
            svg.Line(scale.At(mark), top, scale.At(mark), bottom, "grid").Text(scale.At(mark), bottom + 15, texts.Span(mark), "soft", "middle");
        }

        svg.Text((left + right) / 2, bottom + 34, texts["axis.time"], "soft", "middle");
        svg.Line(scale.At(rtoTargetSeconds), top - 6, scale.At(rtoTargetSeconds), bottom, "target").Text(scale.At(rtoTargetSeconds) - 5, top - 4, texts.Of("target.rto", texts.Span(rtoTargetSeconds)), "figure", "end");
        var y = top;
        for (var i = 0; i < rows.Length; i++)
        {
            var (name, style, values) = rows[i];
            y += heights[i];
            svg.Line(left, y, right, y, "axis").Text(left - 12, y - 4, name, "", "end");
            var filled = new Dictionary<int, int>();
            foreach (var value in values)
            {
                var column = Column(scale.At(value), left, right);
                var level = filled[column] = filled.GetValueOrDefault(column) + 1;
                svg.Circle(left + ((column + 0.5) * (right - left) / Columns), y - (((level * 2) - 1) * Radius), Radius - 0.4, style, texts.Span(value));
            }

            if (values.Length > 0)
            {
                svg.Text(left, y + 14, texts.Of("times.summary", texts.Span(Spread.At(values, 0.5)), texts.Span(Spread.At(values, 0.95)), texts.Span(values[^1])), "figure");
            }

            y += caption;
        }

        return svg.ToString();
    }

    private static int Column(double x, double left, double right) => Math.Clamp((int)((x - left) / (right - left) * Columns), 0, Columns - 1);

    private static double[] Sorted(IEnumerable<double?> values) => [.. values.OfType<double>().Order()];
}
