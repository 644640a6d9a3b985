using Dr.Simulator.Replay;
using Spectre.Console;

namespace Dr.Simulator.Reports;

/// <summary>The tables on a terminal.</summary>
internal static class TerminalReport
{
    public static void Write(IAnsiConsole console, ReplayResult result, string? reportFile)
    {
        console.MarkupLineInterpolated($"[bold]{result.First:yyyy-MM-dd} to {result.Last:yyyy-MM-dd}[/], {result.OpeningDays} opening days, seed {result.Seed}");
        console.MarkupLine("Before: service days as the source counts them. After: the same faults, hour by hour, with the system's decision code in charge.");
        console.WriteLine();
        console.Write(Systems(result));
        console.WriteLine();
        console.Write(Totals(result));
        console.WriteLine();
        console.MarkupLineInterpolated($"A stop counts as a day lost from {result.DayCountsFromMinutes:0} min on: the shortest that the source counts as a whole day. Figures are for opening hours.");

        List(console, "What no off-site system could have helped, or nothing protected", result.NotHelped);
        List(console, "Oddities of the source, kept as printed", result.Oddities);
        List(console, "RULES BROKEN", result.Violations);
        console.WriteLine();
        console.MarkupLineInterpolated($"{result.Incidents.Count} faults, {result.Transitions} decisions, {result.Beats} beats, {result.Events} events; rules of the design broken: {result.Violations.Count}.");
        if (reportFile is not null)
        {
            console.MarkupLineInterpolated($"Report: {reportFile}");
        }
    }

    private static Table Systems(ReplayResult result)
    {
        var table = new Table().Border(TableBorder.Simple).Title("Per system");
        table.AddColumns("System", "Kind");
        foreach (var name in new[] { "Days before", "printed", "computed", "Min before", "Days after", "Rate after", "Min after", "Promise", "Detected ≤", "RTO ≤", "RPO ≤" })
        {
            table.AddColumn(new TableColumn(name).RightAligned());
        }

        foreach (var s in result.Systems)
        {
            var promise = s.PromiseBelowPercent is { } below ? $"< {below:0.#} % {(s.PromiseKept == true ? "[green]kept[/]" : "[red]missed[/]")}" : "[grey]none[/]";
            table.AddRow(
                Markup.Escape(s.System.Value), s.Kind.ToString(), Text(s.DaysBefore), Figures.Percent(s.RatePrintedPercent), Figures.Percent(s.RateBeforePercent), Figures.Minutes(s.MinutesBefore),
                Text(s.DaysAfter), Figures.Percent(s.RateAfterPercent), Figures.Minutes(s.MinutesAfter), promise,
                Figures.Seconds(s.WorstDetectionSeconds), Figures.Seconds(s.WorstRtoSeconds), Figures.Seconds(s.WorstRpoSeconds));
        }

        return table;
    }

    private static Table Totals(ReplayResult result)
    {
        var table = new Table().Border(TableBorder.Simple).Title("By kind");
        table.AddColumn("Kind");
        foreach (var name in new[] { "Days before", "printed", "computed", "Min before", "Days after", "Rate after", "Min after" })
        {
            table.AddColumn(new TableColumn(name).RightAligned());
        }

        foreach (var t in result.Totals)
        {
            table.AddRow(t.Kind, Text(t.DaysBefore), Figures.Percent(t.RatePrintedPercent), Figures.Percent(t.RateBeforePercent), Figures.Minutes(t.MinutesBefore), Text(t.DaysAfter), Figures.Percent(t.RateAfterPercent), Figures.Minutes(t.MinutesAfter));
        }

        return table;
    }

    private static void List(IAnsiConsole console, string title, IReadOnlyList<string> lines)
    {
        if (lines.Count == 0)
        {
            return;
        }

        console.WriteLine();
        console.MarkupLineInterpolated($"[bold]{title}[/]");
        foreach (var line in lines)
        {
            console.MarkupLineInterpolated($"  · {line}");
        }
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
