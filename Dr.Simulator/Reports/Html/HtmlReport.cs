using Dr.Simulator.Replay;
using Dr.Simulator.Replay.Compare;
using Dr.Simulator.Reports.Charts;

namespace Dr.Simulator.Reports.Html;

/// <summary>The report for people, from the one sentence that answers the question down to every fault. Prints on A4, fits a telephone.</summary>
internal static class HtmlReport
{
    public static string Render(ReplayStudy study, Texts t)
    {
        var result = study.Replay;
        var page = new HtmlPage(t, t["title"]);
        Summary(page, study, t);

        page.Section("systems", t["systems"], t.Of("systems.note", result.DayCountsFromMinutes)).Legend(("before", t["legend.before"]), ("after", t["legend.after"])).Wide(DaysChart.Draw(result, t)).End();

        page.Section("promises", t["promises"], t["promises.note"], newPage: true)
            .Add($"<p class=\"note\">{HtmlPage.Text(study.Sweep is { } s ? t.Of("promises.seeds", s.Seeds) : t.Of("promises.one", result.Seed))}</p>")
            .Legend(("after", t["legend.reached"]), ("line", t["legend.target"])).Wide(PromiseChart.Draw(study.Promises, t)).Wide(HtmlTables.Promises(study.Promises, t)).End();

        page.Section("calendar", t["calendar"], t["calendar.note"])
            .Legend(("before", t["legend.day.before"]), ("lost", t["legend.day.after"]), ("closed", t["legend.closed"])).Wide(CalendarChart.Draw(result, t)).End();

        int Signs(FirstSign sign) => result.Incidents.Count(i => i.DetectedBy == sign);
        page.Section("times", t["times"], $"{t["times.note"]} {t.Of("signs", Signs(FirstSign.Silence), Signs(FirstSign.OwnReport), Signs(FirstSign.Witnesses))}", newPage: true)
            .Wide(TimesChart.Draw(result, study.Promises.Select(p => p.RtoTargetSeconds).DefaultIfEmpty(1800).Max(), t)).End();
        page.Section("remedies", t["remedies"], t["remedies.note"]).Wide(RemedyChart.Draw(result, t)).End();

        Helpless(page, result, t);
        page.Section("figures", t["figures"], t["systems.table.note"], newPage: true).Wide(HtmlTables.Systems(result, t)).End();
        Bandwidth(page, study.Bandwidth, t);
        if (study.Comparisons is { } comparisons)
        {
            Compared(page, comparisons, t);
        }

        if (study.Sweep is { } sweep)
        {
            page.Section("seeds", t["seeds"], t.Of("seeds.note", sweep.Seeds, sweep.FirstSeed), newPage: true).Wide(HtmlTables.Sweep(sweep, result, t)).End();
        }

        page.Section("oddities", t["oddities"], t["oddities.note"], newPage: true).List(result.Oddities.Select(t.Of)).End();
        if (study.Violations > 0)
        {
            page.Section("broken", t["broken"], t["broken.note"]).List(result.Violations.Concat(study.Sweep?.Violations ?? [])).End();
        }

        page.Section("method", t["method"], null).List(
        [
            t["method.core"], t["method.hours"], t.Of("method.day", result.DayCountsFromMinutes),
            t.Of("method.year", result.Incidents.Count, result.Transitions, Figures.Many(result.Beats), Figures.Many(result.Events), result.Violations.Count),
        ]).End();
        Faults(page, result, t);
        return page.Add($"<footer>{HtmlPage.Text(t.Of("printed.by", result.Seed))}</footer>").ToString();
    }

    private static void Summary(HtmlPage page, ReplayStudy study, Texts t)
    {
        var result = study.Replay;
        var all = result.Totals[^1];
        page.Add($"<header><h1>{HtmlPage.Text(t["title"])}</h1><p class=\"sub\">{HtmlPage.Text(t.Of("subtitle", t.Date(result.First), t.Date(result.Last), result.OpeningDays))}</p>");
        page.Add($"<p class=\"lead\">{HtmlPage.Text(t.Of("lead", all.DaysBefore, t.Percent(all.RateBeforePercent), all.DaysAfter, t.Percent(all.RateAfterPercent)))}</p>");
        if (study.Sweep is { } sweep)
        {
            page.Add($"<p class=\"lead\">{HtmlPage.Text(t.Of("lead.seeds", sweep.Seeds, sweep.Kinds[^1].DaysAfter.Median, sweep.Kinds[^1].DaysAfter.P95))}</p>");
        }

        page.Add($"<p>{HtmlPage.Text(t.Of("lead.rest", result.Incidents.Count, result.Incidents.Count(i => i.MinutesAfter >= 1), result.NotHelped.Count()))}</p>");
        var recovery = Spread.Of(result.Incidents.Select(i => i.RtoSeconds).OfType<double>());
        var loss = study.Promises.Max(p => p.WorstRpoSeconds);
        page.Add("<div class=\"tiles\">"
            + Tile(t["tile.all"], $"<span class=\"was\">{all.DaysBefore} →</span> {all.DaysAfter}", t.Of("tile.days", t.Percent(all.RateBeforePercent), t.Percent(all.RateAfterPercent)))
            + Tile(t["tile.promises"], $"{study.Promises.Count(p => p.Holds)} / {study.Promises.Count}", t["tile.promises.kept"])
            + Tile(t["tile.recovery"], HtmlPage.Text(t.Span(recovery?.Median)), t.Of("tile.recovery.sub", t.Span(recovery?.P95)))
            + Tile(t["tile.loss"], HtmlPage.Text(t.Span(loss)), t.Of("tile.loss.sub", t.Span(study.Promises.Select(p => p.RpoTargetSeconds).DefaultIfEmpty(300).Min())))
            + "</div></header>");
    }

    private static string Tile(string name, string figure, string below) => $"<div class=\"tile\"><b>{HtmlPage.Text(name)}</b><div class=\"n\">{figure}</div><small>{HtmlPage.Text(below)}</small></div>";

    private static void Helpless(HtmlPage page, ReplayResult result, Texts t)
    {
        var incidents = result.NotHelped.ToArray();
        page.Section("helpless", t["helpless"], incidents.Length == 0 ? t["helpless.none"] : t["helpless.note"]);
        page.Add($"<dl>{string.Concat(incidents.Select(i =>
            $"<dt>{HtmlPage.Text(t.Name(i))}<small>{HtmlPage.Text(t.Date(DateOnly.FromDateTime(i.Strike.ToOffset(ServiceHours.Zone).DateTime)))} · {HtmlPage.Text(t.Symptom(i))}</small></dt><dd>{HtmlPage.Text(t.Of(i.WhyNotHelped!))}</dd><dd class=\"n\">{HtmlPage.Text(t.Of("helpless.minutes", Figures.Minutes(i.MinutesAfter)))}</dd>"))}</dl>").End();
    }

    private static void Bandwidth(HtmlPage page, BandwidthUse use, Texts t)
    {
        page.Section("bandwidth", t["bandwidth"], t["bandwidth.note"]).Add("<div class=\"panels\">");
        foreach (var c in use.Classes)
        {
            page.Add($"<figure><h4>{HtmlPage.Text(t.Of(c.Shared ? "bandwidth.class.shared" : "bandwidth.class", Network(c.Network, t), Number(c.Mbps)))}</h4>{BandwidthChart.Draw(c, t)}"
                + $"<p>{HtmlPage.Text(t.List(c.Systems.Select(s => s.Value)))}</p><p>{HtmlPage.Text(t.Of("bandwidth.peak", Number(c.PeakHourMbps), t.Percent(c.PeakHourPercent)))}</p><p>{HtmlPage.Text(t.Of("bandwidth.behind", Number(c.P99Mbps), t.Span(c.P99AgeSeconds)))}</p></figure>");
        }

        page.Add("</div>").List(use.Lines.Select(l => t.Of("bandwidth.line", Network(l.Network, t), Number(l.ClassesMbps), Number(l.Mbps), t.Percent(100 * l.PeakHourMbps / l.Mbps)))).End();
    }

    private static void Compared(HtmlPage page, IReadOnlyList<Comparison> comparisons, Texts t)
    {
        page.Section("compared", t["compared"], t.Of("compared.note", comparisons[0].Ways[0].Seeds), newPage: true);
        foreach (var comparison in comparisons)
        {
            page.Add($"<h3>{HtmlPage.Text(t[$"compared.{comparison.Id}"])}</h3><p class=\"note\">{HtmlPage.Text(t[$"compared.{comparison.Id}.note"])}</p>");
            if (comparison.Id == Comparisons.Heartbeats)
            {
                page.Wide(HeartbeatChart.Draw(comparison, t));
            }

            page.Wide(HtmlTables.Compared(comparison, t));
        }

        page.End();
    }

    private static void Faults(HtmlPage page, ReplayResult result, Texts t)
    {
        page.Section("faults", t["faults"], t["faults.note"], newPage: true);
        foreach (var i in result.Incidents)
        {
            var stories = string.Concat(i.Story.Select(l => $"<li><span>{l.At.ToOffset(ServiceHours.Zone):HH:mm:ss.f}</span><span>{HtmlPage.Text(l.Who)}</span>{HtmlPage.Text(l.Text)}</li>"));
            page.Add($"<details><summary><span>{i.Strike.ToOffset(ServiceHours.Zone):yyyy-MM-dd}</span><span>{HtmlPage.Text(t.Name(i))}</span><span>{HtmlPage.Text(t.Symptom(i))}</span><span>{HtmlPage.Text(t.Remedy(i.Remedy))}</span><span>{HtmlPage.Text(t.Of("faults.minutes", Figures.Minutes(i.MinutesBefore), Figures.Minutes(i.MinutesAfter)))}</span></summary>"
                + $"<p>{HtmlPage.Text(t.Of("faults.facts", t.Span(i.DetectionSeconds), t.Span(i.RtoSeconds), t.Span(i.RpoSeconds)))} {HtmlPage.Text(t["faults.story"])}</p><ol>{stories}</ol></details>");
        }

        page.End();
    }

    private static string Network(string network, Texts t) => t.Keys.Contains($"network.{network}") ? t[$"network.{network}"] : network;

    private static string Number(double number) => number.ToString("0.##", CultureInfo.InvariantCulture);
}
