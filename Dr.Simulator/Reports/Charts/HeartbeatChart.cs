using Dr.Simulator.Replay.Compare;

namespace Dr.Simulator.Reports.Charts;

/// <summary>What a way of beating costs against how soon it finds a stop: left and low is better.</summary>
internal static class HeartbeatChart
{
    private static readonly double[] SecondMarks = [1, 3, 10, 30, 60, 180, 600];
    private static readonly double[] MessageMarks = [1e6, 3e6, 1e7, 3e7, 1e8, 3e8, 1e9];

    public static string Draw(Comparison comparison, Texts texts)
    {
        const double left = 66, top = 22, right = Svg.Width - 120, bottom = 210;
        var ways = comparison.Ways.Where(w => w is { MessagesPerYear: not null, SilenceDetection: not null }).ToArray();
        var across = new LogScale(ways.Min(w => w.MessagesPerYear!.Value) / 1.6, ways.Max(w => w.MessagesPerYear!.Value) * 1.6, left, right);
        var up = new LogScale(ways.Min(w => w.SilenceDetection!.P95) / 1.6, ways.Max(w => w.SilenceDetection!.P95) * 1.6, bottom, top);
        var svg = new Svg(bottom + 40, texts["compared.heartbeats"]);
        foreach (var mark in SecondMarks.Where(m => up.At(m) < bottom && up.At(m) > top))
        {
            svg.Line(left, up.At(mark), right, up.At(mark), "grid").Text(left - 6, up.At(mark) + 4, texts.Span(mark), "soft", "end");
        }

        foreach (var mark in MessageMarks.Where(m => across.At(m) > left && across.At(m) < right))
        {
            svg.Line(across.At(mark), top, across.At(mark), bottom, "grid").Text(across.At(mark), bottom + 15, Figures.Many(mark), "soft", "middle");
        }

        svg.Line(left, bottom, right, bottom, "axis").Line(left, top, left, bottom, "axis");
        svg.Text((left + right) / 2, bottom + 34, texts["axis.messages"], "soft", "middle").Text(left, 12, texts["axis.suspected"], "soft");
        foreach (var way in ways)
        {
            var (x, y) = (across.At(way.MessagesPerYear!.Value), up.At(way.SilenceDetection!.P95));
            var product = way.Id == Comparisons.AsIs;
            svg.Circle(x, y, product ? 6.5 : 5, product ? "after" : "before").Text(product ? x : x + 10, y + (product ? 22 : 4), Html.HtmlTables.Way(way.Id, texts), product ? "strong" : "figure", product ? "middle" : "start");
        }

        return svg.ToString();
    }
}
