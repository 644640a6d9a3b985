using Dr.Simulator.Replay;

namespace Dr.Simulator.Reports.Charts;

/// <summary>How many faults each remedy ended.</summary>
internal static class RemedyChart
{
    public static string Draw(ReplayResult result, Texts texts)
    {
        const double row = 20, left = 258, right = Svg.Width - 40, top = 4;
        var groups = result.Incidents.GroupBy(i => i.Remedy).OrderBy(g => g.Key == Remedy.PeopleOnly).ThenByDescending(g => g.Count()).ThenBy(g => g.Key).ToArray();
        var most = groups.Max(g => g.Count());
        var bottom = top + (groups.Length * row);
        var svg = new Svg(bottom + 34, texts["remedies"]);
        svg.Line(left, top, left, bottom, "axis");
        for (var i = 0; i < groups.Length; i++)
        {
            var y = top + (i * row);
            var width = groups[i].Count() * (right - left) / most;
            svg.Text(left - 10, y + 13, texts.Remedy(groups[i].Key), "", "end");
            svg.Rect(left, y + 3, width, 12, groups[i].Key == Remedy.PeopleOnly ? "lost" : "after", 2);
            svg.Text(left + width + 7, y + 13, $"{groups[i].Count()}", "figure");
        }

        return svg.Text((left + right) / 2, bottom + 20, texts["axis.faults"], "soft", "middle").ToString();
    }
}
