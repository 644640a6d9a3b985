using Dr.Simulator.Replay;
using Dr.Simulator.Replay.Compare;

namespace Dr.Simulator.Reports.Html;

/// <summary>The report's tables.</summary>
internal static class HtmlTables
{
    public static string Systems(ReplayResult result, Texts t)
    {
        var table = new HtmlTable("<" + t["column.system"], t["column.days.before"], t["column.printed"], t["column.computed"], t["column.days.after"], t["column.rate.after"], t["column.minutes.before"], t["column.minutes.after"],
            t["column.promise"], "", t["column.detected"], t["column.rto"], t["column.rpo"]);
        foreach (var s in result.Systems)
        {
            table.Row("", t.Name(s), Number(s.DaysBefore), Printed(s.RatePrintedPercent, t), t.Percent(s.RateBeforePercent), Number(s.DaysAfter), t.Percent(s.RateAfterPercent), Minutes(s.MinutesBefore), Minutes(s.MinutesAfter),
                s.PromiseBelowPercent is { } p ? t.Of("promise.below", Plain(p)) : "–", Verdict(s.PromiseKept, t), t.Span(s.WorstDetectionSeconds), t.Span(s.WorstRtoSeconds), t.Span(s.WorstRpoSeconds));
        }

        foreach (var (k, i) in result.Totals.Select((k, i) => (k, i)))
        {
            table.Row(i == 0 ? "sum first" : "sum", t.Kind(k.Kind), Number(k.DaysBefore), Printed(k.RatePrintedPercent, t), t.Percent(k.RateBeforePercent), Number(k.DaysAfter), t.Percent(k.RateAfterPercent), Minutes(k.MinutesBefore), Minutes(k.MinutesAfter), "", "", "", "", "");
        }

        return table.ToString();
    }

    public static string Promises(IReadOnlyList<Promise> promises, Texts t)
    {
        var table = new HtmlTable("<" + t["column.line"], t["column.promised"], t["column.before"], t["column.after"], t["column.after95"], t["column.margin"], t["column.kept"], t["column.rto"], t["column.rpo"], t["column.helpless"]);
        foreach (var p in promises)
        {
            table.Row("", $"{p.Policy} · {t.List(p.Systems.Select(s => s.Value))}", t.Of("promise.below", Plain(p.PromisedBelowPercent)), t.Percent(p.BeforePercent), t.Percent(p.MedianPercent), t.Percent(p.P95Percent),
                Mark(p.MarginPercent > 0, p.MarginPercent.ToString("0.00", CultureInfo.InvariantCulture)), Mark(p.Holds, p.Holds ? t["kept.all"] : t.Percent(100 * p.KeptShare)),
                Bad(p.RtoHolds, t.Span(p.WorstRtoSeconds)), Bad(p.RpoHolds, t.Span(p.WorstRpoSeconds)), Number(p.NotHelped));
        }

        return table.ToString();
    }

    public static string Compared(Comparison comparison, Texts t)
    {
        var beats = comparison.Id == Comparisons.Heartbeats;
        var table = new HtmlTable(["<" + t["column.way"], t[beats ? "column.suspected" : "column.noticed"], t["column.served"], t["column.lost"], t["column.lost.most"], t["column.days.after"], t["column.minutes"], t["column.people.only"], t["column.people.asked"],
            .. beats ? new[] { t["column.false"], t["column.messages"] } : []]);
        foreach (var way in comparison.Ways)
        {
            table.Row(way.Id == Comparisons.AsIs ? "own" : "",
            [
                Way(way.Id, t), t.Pair(beats ? way.SilenceDetection : way.Detection), t.Pair(way.Rto), t.Pair(way.Rpo), t.Span(way.Rpo?.Max), Pair(way.DaysAfter), Pair(way.MinutesAfter), Number(way.Unhelped), Number(way.PeopleAsked),
                .. beats ? new[] { Figures.Rate(way.FalseAlarmsPerYear), Figures.Many(way.MessagesPerYear) } : [],
            ]);
        }

        return table.ToString();
    }

    public static string Sweep(SweepResult sweep, ReplayResult result, Texts t)
    {
        var table = new HtmlTable("<" + t["column.system"], t["column.days.before"], t["column.days.after"], t["column.minutes.before"], t["column.minutes.after"], t["column.detected"], t["column.rto"], t["column.rpo"], t["column.promise.kept"]);
        foreach (var (s, one) in sweep.Systems.Zip(result.Systems))
        {
            table.Row("", t.Name(one), Number(s.DaysBefore), Pair(s.DaysAfter), Pair(s.MinutesBefore), Pair(s.MinutesAfter), t.Pair(s.WorstDetectionSeconds), t.Pair(s.WorstRtoSeconds), t.Pair(s.WorstRpoSeconds),
                s.PromiseKeptShare is { } share ? Mark(share >= 1, share >= 1 ? t["kept.all"] : t.Percent(100 * share)) : t["promise.none"]);
        }

        foreach (var (k, i) in sweep.Kinds.Select((k, i) => (k, i)))
        {
            table.Row(i == 0 ? "sum first" : "sum", t.Kind(k.Kind), Number(k.DaysBefore), Pair(k.DaysAfter), Pair(k.MinutesBefore), Pair(k.MinutesAfter), "", "", "", "");
        }

        return table.ToString();
    }

    /// <summary>Name of a way of doing it.</summary>
    public static string Way(string id, Texts t) => id.StartsWith("fixed-", StringComparison.Ordinal) ? t.Of("way.fixed", id[6..^1]) : t[$"way.{id}"];

    private static string Pair(Spread spread) => $"{Minutes(spread.Median)} / {Minutes(spread.P95)}";

    private static string Minutes(double minutes) => minutes < 10 && minutes != Math.Floor(minutes) ? Figures.Minutes(minutes) : Figures.Many(Math.Round(minutes));

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Plain(double number) => number.ToString("0.##", CultureInfo.InvariantCulture);

    private static string Printed(double? percent, Texts t) => percent is { } p ? t.Percent(p, "0.0##") : "–";

    private static string Verdict(bool? kept, Texts t) => kept switch
    {
        true => Styled("kept", t["promise.kept"]),
        false => Styled("missed", t["promise.missed"]),
        null => Styled("none", t["promise.none"]),
    };

    private static string Mark(bool good, string text) => Styled(good ? "kept" : "missed", text);

    private static string Bad(bool good, string text) => good ? text : Styled("missed", text);

    private static string Styled(string style, string text) => $"<span class=\"{style}\">{HtmlPage.Text(text)}</span>";
}
