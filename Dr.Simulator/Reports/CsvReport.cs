using Dr.Simulator.Replay;

namespace Dr.Simulator.Reports;

/// <summary>A line per system, for spreadsheets; with several seeds the figures after are medians, and the 95th percentiles follow.</summary>
internal static class CsvReport
{
    public static string Render(ReplayStudy study)
    {
        var table = new CsvText("system_id", "name", "kind", "policy", "days_before", "rate_printed_percent", "rate_before_percent", "minutes_before", "days_after", "rate_after_percent", "minutes_after",
            "promise_below_percent", "promise_kept_share", "worst_detection_s", "worst_rto_s", "worst_rpo_s", "days_after_p95", "minutes_after_p95", "worst_detection_p95_s", "worst_rto_p95_s", "worst_rpo_p95_s", "seeds");
        foreach (var s in study.Replay.Systems)
        {
            var many = study.Sweep?.Systems.First(x => x.System == s.System);
            table.Line(s.System.Value, s.Name, s.Kind.ToString(), s.Policy, s.DaysBefore, s.RatePrintedPercent, s.RateBeforePercent, many?.MinutesBefore.Median ?? s.MinutesBefore,
                many?.DaysAfter.Median ?? s.DaysAfter, many?.RateAfterPercent.Median ?? s.RateAfterPercent, many?.MinutesAfter.Median ?? s.MinutesAfter,
                s.PromiseBelowPercent, many is not null ? many.PromiseKeptShare : s.PromiseKept is { } kept ? (kept ? 1 : 0) : null,
                many is null ? s.WorstDetectionSeconds : many.WorstDetectionSeconds?.Median, many is null ? s.WorstRtoSeconds : many.WorstRtoSeconds?.Median, many is null ? s.WorstRpoSeconds : many.WorstRpoSeconds?.Median,
                many?.DaysAfter.P95, many?.MinutesAfter.P95, many?.WorstDetectionSeconds?.P95, many?.WorstRtoSeconds?.P95, many?.WorstRpoSeconds?.P95, study.Sweep?.Seeds ?? 1);
        }

        return table.ToString();
    }
}
