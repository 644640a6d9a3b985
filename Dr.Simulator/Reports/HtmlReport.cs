using System.Net;
using System.Text;
using Dr.Simulator.Replay;

namespace Dr.Simulator.Reports;

/// <summary>One page for people: nothing is loaded from elsewhere, it prints, and every figure in it comes from the run.</summary>
internal static partial class HtmlReport
{
    private const string Style = """
        :root { --ink:#1c2733; --soft:#5b6b7b; --line:#dfe5ea; --bad:#b5402f; --good:#2f7d5b; --note:#a8741a; --paper:#fff; --wash:#f5f7f9; }
        * { box-sizing:border-box } html { -webkit-print-color-adjust:exact; print-color-adjust:exact }
        body { margin:0 auto; padding:40px 32px 64px; max-width:1120px; font:15px/1.5 system-ui,"Segoe UI",Roboto,"Noto Sans CJK SC",sans-serif; color:var(--ink); background:var(--paper) }
        h1 { font-size:30px; line-height:1.2; margin:0 0 4px; letter-spacing:-.01em } h2 { font-size:19px; margin:44px 0 10px; padding-top:14px; border-top:2px solid var(--ink) }
        p.sub { color:var(--soft); margin:0 0 26px } p.small, li { font-size:14px } p.small { color:var(--soft) }
        .tiles { display:grid; grid-template-columns:repeat(4,1fr); gap:14px } .tile { background:var(--wash); border-radius:10px; padding:16px 18px }
        .tile b { display:block; font-size:13px; font-weight:600; color:var(--soft) } .tile .n { font-size:30px; font-weight:650; letter-spacing:-.02em } .tile .n s { color:var(--bad); text-decoration-thickness:2px; font-weight:500; margin-right:8px }
        .tile .n em { color:var(--good); font-style:normal } .tile small { color:var(--soft); font-size:13px }
        table { border-collapse:collapse; width:100%; font-size:13.5px; font-variant-numeric:tabular-nums } th { text-align:right; font-weight:600; color:var(--soft); border-bottom:1.5px solid var(--ink); padding:5px 7px; vertical-align:bottom }
        td { text-align:right; padding:5px 7px; border-bottom:1px solid var(--line) } th.l, td.l { text-align:left } tr.sum td { font-weight:650; border-top:1.5px solid var(--ink) }
        .kept { color:var(--good); font-weight:600 } .missed { color:var(--bad); font-weight:600 } .none { color:var(--soft) }
        svg { display:block; width:100%; height:auto } svg text { font:12px system-ui,sans-serif; fill:var(--ink) } svg .soft { fill:var(--soft) }
        .legend { display:flex; gap:22px; font-size:13px; color:var(--soft); margin:4px 0 10px } .legend i { display:inline-block; width:12px; height:12px; border-radius:3px; margin-right:6px; vertical-align:-1px }
        details { border-bottom:1px solid var(--line); padding:6px 0; font-size:13.5px } summary { cursor:pointer; display:grid; grid-template-columns:92px 170px 1fr 150px 110px; gap:10px } details ol { margin:8px 0 10px; padding-left:0; list-style:none; font-size:12.5px }
        details li { font-size:12.5px; display:grid; grid-template-columns:92px 130px 1fr; gap:10px; padding:1px 0 } details li span { color:var(--soft) }
        @media (max-width:760px) { .tiles { grid-template-columns:1fr 1fr } summary { grid-template-columns:92px 1fr } body { padding:20px 14px } .wide { overflow-x:auto } }
        @media print { body { padding:0; max-width:none; font-size:11px } h2 { break-after:avoid } tr, .tile, svg { break-inside:avoid } details ol { display:none } @page { size:A4; margin:14mm } }
        """;

    public static string Render(ReplayResult result)
    {
        var all = result.Totals[^1];
        var html = new StringBuilder();
        html.Append("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>A year of faults, twice</title><style>")
            .Append(Style).Append("</style></head><body>");
        html.Append($"<h1>A year of faults, twice</h1><p class=\"sub\">{result.First:d MMMM yyyy} to {result.Last:d MMMM yyyy}, {result.OpeningDays} opening days. As it was, by the record; and the same faults, hour by hour, with the system's own decision code in charge. Seed {result.Seed}.</p>");
        html.Append("<div class=\"tiles\">");
        foreach (var total in new[] { all }.Concat(result.Totals.Take(3)))
        {
            html.Append(CultureInfo.InvariantCulture, $"<div class=\"tile\"><b>{Words(total.Kind)}</b><div class=\"n\"><s>{total.DaysBefore}</s><em>{total.DaysAfter}</em></div><small>days lost · {total.RateBeforePercent:0.0} % → {total.RateAfterPercent:0.0} %</small></div>");
        }

        html.Append("</div>");
        html.Append("<h2>Days lost per system</h2><div class=\"legend\"><span><i style=\"background:#d9a79f\"></i>before, as the source counts</span><span><i style=\"background:#2f7d5b\"></i>after</span></div>").Append(Bars(result));
        html.Append("<h2>The year</h2><div class=\"legend\"><span><i style=\"background:#d9a79f\"></i>day lost before</span><span><i style=\"background:#b5402f\"></i>day lost after, too</span><span><i style=\"background:#e8ecef\"></i>closed</span></div>").Append(Calendar(result));
        html.Append("<h2>How fast</h2><p class=\"small\">Every fault that the system could help with: from the fault to its detection, and to users being served again. Logarithmic.</p>").Append(Times(result));
        Systems(html, result);
        Totals(html, result);
        List(html, "What no off-site system could have helped, or nothing protected", result.NotHelped);
        List(html, "Oddities of the source, kept as printed", result.Oddities);
        List(html, "Rules of the design that broke", result.Violations);
        Stories(html, result);
        html.Append(CultureInfo.InvariantCulture, $"<p class=\"small\">A stop counts as a day lost from {result.DayCountsFromMinutes:0} minutes on: the shortest that the source itself counts as a whole day. {result.StopsAfter} Minutes are opening minutes, weighted by the share of users not served. What the record leaves open (hours, durations, which of several causes) is drawn from the seed; the bounds of the draws are the model's only assumptions. {result.Incidents.Count} faults, {result.Transitions} decisions, {result.Beats} beats, {result.Events} events; rules of the design broken: {result.Violations.Count}.</p>");
        return html.Append("</body></html>\n").ToString();
    }

    private static void Systems(StringBuilder html, ReplayResult result)
    {
        html.Append("<h2>Before and after, against the promise</h2><div class=\"wide\"><table><tr><th class=\"l\">System</th><th class=\"l\">Kind</th><th>Days before</th><th>Rate printed</th><th>Rate computed</th><th>Minutes before</th><th>Days after</th><th>Rate after</th><th>Minutes after</th><th>Promise</th><th></th><th>Detected within</th><th>RTO</th><th>RPO</th></tr>");
        foreach (var s in result.Systems)
        {
            var verdict = s.PromiseKept switch { true => "<span class=\"kept\">kept</span>", false => "<span class=\"missed\">missed</span>", null => "<span class=\"none\">none made</span>" };
            html.Append($"<tr><td class=\"l\">{Text(s.Name)}</td><td class=\"l\">{Words(s.Kind.ToString())}</td><td>{s.DaysBefore}</td><td>{Figures.Percent(s.RatePrintedPercent)}</td><td>{Figures.Percent(s.RateBeforePercent)}</td><td>{Figures.Minutes(s.MinutesBefore)}</td>"
                + $"<td>{s.DaysAfter}</td><td>{Figures.Percent(s.RateAfterPercent)}</td><td>{Figures.Minutes(s.MinutesAfter)}</td><td>{(s.PromiseBelowPercent is { } p ? string.Create(CultureInfo.InvariantCulture, $"&lt; {p:0.#} %") : "–")}</td><td>{verdict}</td>"
                + $"<td>{Figures.Seconds(s.WorstDetectionSeconds)}</td><td>{Figures.Seconds(s.WorstRtoSeconds)}</td><td>{Figures.Seconds(s.WorstRpoSeconds)}</td></tr>");
        }

        html.Append("</table></div>");
    }

    private static void Totals(StringBuilder html, ReplayResult result)
    {
        html.Append("<h2>By kind</h2><table><tr><th class=\"l\">Kind</th><th>Days before</th><th>Rate printed</th><th>Rate computed</th><th>Minutes before</th><th>Days after</th><th>Rate after</th><th>Minutes after</th></tr>");
        foreach (var t in result.Totals)
        {
            html.Append($"<tr{(t.Kind == "All" ? " class=\"sum\"" : "")}><td class=\"l\">{Words(t.Kind)}</td><td>{t.DaysBefore}</td><td>{Figures.Percent(t.RatePrintedPercent)}</td><td>{Figures.Percent(t.RateBeforePercent)}</td><td>{Figures.Minutes(t.MinutesBefore)}</td><td>{t.DaysAfter}</td><td>{Figures.Percent(t.RateAfterPercent)}</td><td>{Figures.Minutes(t.MinutesAfter)}</td></tr>");
        }

        html.Append("</table>");
    }

    private static void List(StringBuilder html, string title, IReadOnlyList<string> lines)
    {
        if (lines.Count == 0)
        {
            return;
        }

        html.Append($"<h2>{Text(title)}</h2><ul>");
        foreach (var line in lines)
        {
            html.Append($"<li>{Text(line)}</li>");
        }

        html.Append("</ul>");
    }

    private static void Stories(StringBuilder html, ReplayResult result)
    {
        html.Append("<h2>Every fault, and what was decided and why</h2><p class=\"small\">Open a line for its story, second by second.</p>");
        foreach (var i in result.Incidents)
        {
            html.Append($"<details><summary><span>{i.Strike:yyyy-MM-dd}</span><span>{Text(i.System.Value)}</span><span>{Text(i.Symptom)}</span><span>{Words(i.Remedy.ToString())}</span><span>{Figures.Minutes(i.MinutesBefore)} → {Figures.Minutes(i.MinutesAfter)} min</span></summary><ol>");
            foreach (var line in i.Story)
            {
                html.Append($"<li><span>{line.At.ToOffset(ServiceHours.Zone):HH:mm:ss.f}</span><span>{Text(line.Who)}</span>{Text(line.Text)}</li>");
            }

            html.Append("</ol></details>");
        }
    }

    private static string Words(string name) => name switch
    {
        nameof(SystemKind.RealTime) => "Real-time",
        "All" => "All together",
        _ => string.Concat(name.Select((c, i) => i > 0 && char.IsUpper(c) ? $" {char.ToLowerInvariant(c)}" : c.ToString())),
    };

    private static string Text(string text) => WebUtility.HtmlEncode(text);
}
