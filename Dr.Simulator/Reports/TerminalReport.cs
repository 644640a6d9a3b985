using Dr.Simulator.Replay;
using Spectre.Console;

namespace Dr.Simulator.Reports;

/// <summary>The tables on a terminal.</summary>
internal static class TerminalReport
{
    /// <summary>Columns that the whole table takes.</summary>
    private const int FullWidth = 170;

    public static void Write(IAnsiConsole console, ReplayStudy study, string? reportFile)
    {
        var result = study.Replay;
        // A file or a pipe has no width of its own.
        if (Console.IsOutputRedirected)
        {
            console.Profile.Width = FullWidth;
        }

        console.MarkupLineInterpolated($"[bold]{result.First:yyyy-MM-dd} to {result.Last:yyyy-MM-dd}[/], {result.OpeningDays} opening days, seed {result.Seed}");
        console.MarkupLine("Before: service days as the source counts them. After: the same faults, hour by hour, with the system's decision code in charge.");
        console.WriteLine();
        console.Write(Systems(result, console.Profile.Width >= FullWidth));
        console.WriteLine();
        console.Write(Totals(result));
        console.WriteLine();
        console.MarkupLineInterpolated($"A stop counts as a day lost from {result.DayCountsFromMinutes:0} min on: the shortest that the source counts as a whole day. Figures are for opening hours.");
        console.WriteLine(result.StopsAfter);
        StudyTables.Write(console, study);

        List(console, "What no off-site system could have helped, or nothing protected", [.. result.NotHelped.Select(i => $"{i.System} {i.Strike:yyyy-MM-dd}: {Texts.English.Of(i.WhyNotHelped!)} {Figures.Minutes(i.MinutesAfter)} minutes, as before.")]);
        List(console, "Oddities of the source, kept as printed", [.. result.Oddities.Select(Texts.English.Of)]);
        List(console, "RULES BROKEN", result.Violations);
        console.WriteLine();
        console.MarkupLineInterpolated($"{result.Incidents.Count} faults, {result.Transitions} decisions, {result.Beats} beats, {result.Events} events; rules of the design broken: {result.Violations.Count}.");
        if (reportFile is not null)
        {
            console.MarkupLineInterpolated($"Report: {reportFile}");
        }
    }

    /// <summary>On a narrow terminal only what answers the question: how many days before, how many after, is the promise kept.</summary>
    private static Table Systems(ReplayResult result, bool full)
    {
        var table = new Table().Border(TableBorder.Simple).Title("Per system");
        (string Name, bool Always)[] columns =
        [
            ("System", true), ("Kind", false), ("Days before", true), ("printed", false), ("computed", true), ("Min before", false), ("Days after", true), ("Rate after", true),
            ("Min after", false), ("Promise", true), ("Detected ≤", false), ("RTO ≤", true), ("RPO ≤", false),
        ];
        for (var i = 0; i < columns.Length; i++)
        {
            if (full || columns[i].Always)
            {
                table.AddColumn(new TableColumn(columns[i].Name) { Alignment = i < 2 ? Justify.Left : Justify.Right, NoWrap = full });
            }
        }

        foreach (var s in result.Systems)
        {
            var promise = s.PromiseBelowPercent is { } below ? $"< {below:0.#} % {(s.PromiseKept == true ? "[green]kept[/]" : "[red]missed[/]")}" : "[grey]none[/]";
            string[] cells =
            [
                Markup.Escape(s.System.Value), s.Kind.ToString(), Text(s.DaysBefore), Figures.Percent(s.RatePrintedPercent), Figures.Percent(s.RateBeforePercent), Figures.Minutes(s.MinutesBefore),
                Text(s.DaysAfter), Figures.Percent(s.RateAfterPercent), Figures.Minutes(s.MinutesAfter), promise,
                Figures.Seconds(s.WorstDetectionSeconds), Figures.Seconds(s.WorstRtoSeconds), Figures.Seconds(s.WorstRpoSeconds),
            ];
            table.AddRow(cells.Where((_, i) => full || columns[i].Always).ToArray());
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
