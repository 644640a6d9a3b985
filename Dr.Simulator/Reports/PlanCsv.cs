using Dr.Simulator.Plans;

namespace Dr.Simulator.Reports;

/// <summary>Plans for spreadsheets.</summary>
internal static class PlanCsv
{
    /// <summary>A line per system, in the order in which they go; then those that stay.</summary>
    public static string Render(SiteForecast forecast)
    {
        var table = new CsvText("wave", "system_id", "class", "priority", "depends_on", "load", "detected_median_s", "detected_p95_s", "decided_median_s", "decided_p95_s", "started_median_s", "started_p95_s", "serving_median_s", "serving_p95_s", "loss_median_s", "loss_max_s", "automatic_share", "left_behind");
        foreach (var s in forecast.Systems)
        {
            table.Line(s.Wave, s.System.Value, s.Class, s.Priority, string.Join(';', s.DependsOn), s.Load, s.Detected?.Median, s.Detected?.P95, s.Decided?.Median, s.Decided?.P95, s.Started?.Median, s.Started?.P95, s.Serving?.Median, s.Serving?.P95, s.Loss?.Median, s.Loss?.Max, s.AutomaticShare, s.LeftBehind);
        }

        foreach (var s in forecast.Staying)
        {
            table.Line(null, s.System.Value, s.Class, null, "", null, null, null, null, null, null, null, null, null, null, null, null, "serves on, without a copy until the site is back");
        }

        return table.ToString();
    }

    /// <summary>A line per policy or class and year.</summary>
    public static string Render(CapacityPlan plan)
    {
        var table = new CsvText("what", "name", "year", "data_tb", "history_tb", "points_tb", "reserve_tb", "need_tb", "planned_tb", "peak_mbps", "class_mbps", "peak_percent", "catch_up_h", "short_in_year");
        foreach (var p in plan.Policies)
        {
            foreach (var y in p.Disk)
            {
                table.Line("disk", p.Policy, y.Year, y.DataTb, y.HistoryTb, y.PointsTb, y.ReserveTb, y.NeedTb, y.PlannedTb, null, null, null, null, p.DiskShortIn);
            }
        }

        foreach (var c in plan.Classes)
        {
            foreach (var y in c.Years)
            {
                table.Line("line", c.Class, y.Year, null, null, null, null, null, null, y.PeakMbps, c.Mbps, y.PeakPercent, y.CatchUpHours, c.ShortIn);
            }
        }

        return table.ToString();
    }
}
