using Dr.Simulator.Replay;

namespace Dr.Simulator.Reports.Charts;

/// <summary>For each line of table 2 what was reached against the objective: data lost on the left, time without service on the right.</summary>
internal static class PromiseChart
{
    public static string Draw(IReadOnlyList<Promise> promises, Texts texts)
    {
        const double row = 22, top = 26, left = 152, gap = 30;
        const double half = (Svg.Width - left - gap - 14) / 2;
        var bottom = top + (promises.Count * row);
        var svg = new Svg(bottom + 22, texts["promises"]);
        (string Title, double Left, Func<Promise, double?> Reached, Func<Promise, double> Target)[] panels =
        [
            (texts["promises.chart.rpo"], left, p => p.WorstRpoSeconds, p => p.RpoTargetSeconds),
            (texts["promises.chart.rto"], left + half + gap, p => p.WorstRtoSeconds, p => p.RtoTargetSeconds),
        ];
        foreach (var panel in panels)
        {
            var scale = new LogScale(0.1, Math.Max(3600, promises.Max(p => panel.Reached(p) ?? 0) * 1.2), panel.Left + 16, panel.Left + half);
            svg.Text(panel.Left, 13, panel.Title, "strong").Text(panel.Left, bottom + 16, "0", "soft", "middle").Line(panel.Left, top, panel.Left, bottom, "axis");
            foreach (var mark in scale.MarksWithin.Where(m => m is >= 1 and < 7200))
            {
                svg.Line(scale.At(mark), top, scale.At(mark), bottom, "grid").Text(scale.At(mark), bottom + 16, texts.Span(mark), "soft", "middle");
            }

            for (var i = 0; i < promises.Count; i++)
            {
                var (p, y) = (promises[i], top + (i * row) + (row / 2));
                var reached = panel.Reached(p);
                var x = reached is > 0 ? scale.At(reached.Value) : panel.Left;
                svg.Line(panel.Left, y, x, y, "stem");
                svg.Line(scale.At(panel.Target(p)), y - 8, scale.At(panel.Target(p)), y + 8, "target");
                if (reached is not null)
                {
                    svg.Circle(x, y, 4.6, reached > panel.Target(p) ? "lost" : "after", texts.Span(reached));
                }
            }
        }

        for (var i = 0; i < promises.Count; i++)
        {
            svg.Text(left - 12, top + (i * row) + (row / 2) + 4, Short(promises[i]), "", "end");
        }

        return svg.ToString();
    }

    /// <summary>The line's number and its first system.</summary>
    private static string Short(Promise promise)
    {
        var name = promise.Systems[0].Value + (promise.Systems.Count > 1 ? " …" : "");
        return $"{promise.Policy} · {(name.Length > 18 ? name[..15] + " …" : name)}";
    }
}
