using Dr.Simulator.Replay;

namespace Dr.Simulator.Reports.Charts;

/// <summary>One class over an opening day against its limit.</summary>
internal static class BandwidthChart
{
    public const double PanelWidth = 276;

    public static string Draw(ClassUse use, Texts texts)
    {
        const double left = 30, top = 18, right = PanelWidth - 12, bottom = 118;
        double X(double hour) => left + (hour / 24 * (right - left));
        double Y(double mbps) => bottom - (mbps / (use.Mbps * 1.08) * (bottom - top));
        var svg = new Svg(bottom + 34, texts["bandwidth"], PanelWidth);
        foreach (var mark in new[] { 0, 0.5, 1.0 })
        {
            svg.Line(left, Y(mark * use.Mbps), right, Y(mark * use.Mbps), mark == 0 ? "axis" : mark == 1 ? "target" : "grid").Text(left - 5, Y(mark * use.Mbps) + 4, Svg.Format($"{mark * use.Mbps:0.#}"), "soft", "end");
        }

        foreach (var hour in new[] { 0, 6, 9, 12, 15, 20, 24 })
        {
            svg.Text(X(hour), bottom + 15, $"{hour}", "soft", "middle");
        }

        var bars = Enumerable.Range(0, 24).ToArray();
        foreach (var hour in bars)
        {
            svg.Rect(X(hour) + 0.8, Y(use.MbpsByHour[hour]), ((right - left) / 24) - 1.6, Math.Max(0.4, bottom - Y(use.MbpsByHour[hour])), "after", 0, Svg.Format($"{hour}:00 {use.MbpsByHour[hour]:0.00} Mbit/s"));
        }

        return svg.Text(left - 26, 10, texts["axis.mbps"], "soft").Text((left + right) / 2, bottom + 31, texts["axis.hour"], "soft", "middle").ToString();
    }
}
