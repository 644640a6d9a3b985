using Dr.Simulator.Replay;
using Dr.Simulator.Replay.Compare;
using Spectre.Console;

namespace Dr.Simulator.Reports;

/// <summary>Promises, many seeds, comparisons and bandwidth on a terminal.</summary>
internal static class StudyTables
{
    private static readonly string[] BeatColumns = ["False alarms/year", "Messages/year"];

    public static void Write(IAnsiConsole console, ReplayStudy study)
    {
        console.WriteLine();
        console.Write(Promises(study));
        if (study.Sweep is { } sweep)
        {
            console.WriteLine();
            console.Write(Sweep(sweep));
            console.MarkupLineInterpolated($"Over {sweep.Seeds} seeds, median / 95th percentile / most: noticed after {Of(sweep.DetectionSeconds)}, served again after {Of(sweep.RtoSeconds)}, data lost {Of(sweep.RpoSeconds)}.");
            foreach (var violation in sweep.Violations)
            {
                console.MarkupLineInterpolated($"[red]Rule broken:[/] {violation}");
            }
        }

        foreach (var comparison in study.Comparisons ?? [])
        {
            console.WriteLine();
            console.Write(Compared(comparison));
        }

        console.WriteLine();
        console.Write(Bandwidth(study.Bandwidth));
    }

    private static Table Promises(ReplayStudy study)
    {
        var table = New($"What table 2 promises, over {study.Sweep?.Seeds ?? 1} seed(s): worst system of each line", "Line", "Systems", "Promised", "Before", "After", "95 %", "Margin", "Kept in", "RTO ≤", "of", "RPO ≤", "of", "Not helped");
        foreach (var p in study.Promises)
        {
            table.AddRow(
                Text(p.Policy), Text(string.Join(", ", p.Systems)), $"< {p.PromisedBelowPercent:0.#} %", Figures.Percent(p.BeforePercent), Figures.Percent(p.MedianPercent), Figures.Percent(p.P95Percent),
                $"{(p.MarginPercent > 0 ? "[green]" : "[red]")}{p.MarginPercent:0.00}[/]", Share(p.KeptShare), Coloured(p.RtoHolds, Figures.Seconds(p.WorstRtoSeconds)), Figures.Seconds(p.RtoTargetSeconds),
                Coloured(p.RpoHolds, Figures.Seconds(p.WorstRpoSeconds)), Figures.Seconds(p.RpoTargetSeconds), Number(p.NotHelped));
        }

        return table;
    }

    private static Table Sweep(SweepResult sweep)
    {
        var table = New($"{sweep.Seeds} seeds from {sweep.FirstSeed}: median / 95th percentile", "System", "Days before", "Days after", "Min before", "Min after", "Detected ≤", "RTO ≤", "RPO ≤", "Promise kept in");
        foreach (var s in sweep.Systems)
        {
            table.AddRow(
                Text(s.System.Value), Number(s.DaysBefore), $"{s.DaysAfter.Median:0} / {s.DaysAfter.P95:0}", Pair(s.MinutesBefore, Figures.Minutes), Pair(s.MinutesAfter, Figures.Minutes),
                Pair(s.WorstDetectionSeconds), Pair(s.WorstRtoSeconds), Pair(s.WorstRpoSeconds), s.PromiseKeptShare is { } share ? Share(share) : "[grey]none[/]");
        }

        foreach (var k in sweep.Kinds)
        {
            table.AddRow($"[bold]{Text(k.Kind)}[/]", Number(k.DaysBefore), $"{k.DaysAfter.Median:0} / {k.DaysAfter.P95:0}", Pair(k.MinutesBefore, Figures.Minutes), Pair(k.MinutesAfter, Figures.Minutes), "", "", "", "");
        }

        return table;
    }

    private static Table Compared(Comparison comparison)
    {
        var heartbeats = comparison.Id == Comparisons.Heartbeats;
        var title = comparison.Id switch
        {
            Comparisons.Heartbeats => "Heartbeats: the adaptive period against fixed ones (three periods of silence)",
            Comparisons.Witnesses => "With and without witnesses",
            _ => "Streamed against snapshots only",
        };
        var table = New($"{title}, {comparison.Ways[0].Seeds} years each: median / 95th percentile", ["Way", heartbeats ? "Stop suspected after" : "Noticed after", "Served again", "Data lost", "Data lost, most", "Days lost", "Min lost", "Only people", "People asked", .. heartbeats ? BeatColumns : []]);
        foreach (var way in comparison.Ways)
        {
            table.AddRow(
            [
                Text(way.Id), Pair(heartbeats ? way.SilenceDetection : way.Detection), Pair(way.Rto), Pair(way.Rpo), Figures.Seconds(way.Rpo?.Max), $"{way.DaysAfter.Median:0} / {way.DaysAfter.P95:0}", Pair(way.MinutesAfter, Figures.Minutes),
                Number(way.Unhelped), Number(way.PeopleAsked), .. heartbeats ? new[] { Figures.Rate(way.FalseAlarmsPerYear), Figures.Many(way.MessagesPerYear) } : [],
            ]);
        }

        return table;
    }

    private static Table Bandwidth(BandwidthUse use)
    {
        var table = New("Bandwidth of an opening day's stream", "Class", "Line", "Mbit/s", "GB a day", "Busiest hour", "Mean then", "of the class", "99 % of seconds ≤", "Behind, 99 % ≤", "Systems");
        foreach (var c in use.Classes)
        {
            table.AddRow(Text(c.Class), Text(c.Network), $"{c.Mbps:0.#}", $"{c.GigabytesPerDay:0.0}", $"{c.BusiestHour}:00", $"{c.PeakHourMbps:0.00}", Figures.Percent(c.PeakHourPercent), $"{c.P99Mbps:0.0}", Figures.Seconds(c.P99AgeSeconds), Text(string.Join(", ", c.Systems)));
        }

        foreach (var line in use.Lines)
        {
            table.AddRow($"[bold]{Text(line.Network)}[/]", "", $"{line.Mbps:0.#}", "", "", $"{line.PeakHourMbps:0.00}", Figures.Percent(100 * line.PeakHourMbps / line.Mbps), "", "", $"classes take {line.ClassesMbps:0.#} of {line.Mbps:0.#}");
        }

        return table;
    }

    private static Table New(string title, params string[] columns)
    {
        var table = new Table().Border(TableBorder.Simple).Title(Markup.Escape(title));
        for (var i = 0; i < columns.Length; i++)
        {
            table.AddColumn(new TableColumn(Markup.Escape(columns[i])) { Alignment = i == 0 || columns[i] == "Systems" ? Justify.Left : Justify.Right });
        }

        return table;
    }

    private static string Of(Spread? spread) => spread is null ? "–" : $"{Figures.Seconds(spread.Median)} / {Figures.Seconds(spread.P95)} / {Figures.Seconds(spread.Max)}";

    private static string Pair(Spread? spread) => spread is null ? "–" : $"{Figures.Seconds(spread.Median)} / {Figures.Seconds(spread.P95)}";

    private static string Pair(Spread spread, Func<double, string> text) => $"{text(spread.Median)} / {text(spread.P95)}";

    private static string Share(double share) => share >= 1 ? "[green]all[/]" : string.Create(CultureInfo.InvariantCulture, $"[red]{100 * share:0.0} %[/]");

    private static string Coloured(bool good, string text) => good ? text : $"[red]{text}[/]";

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Text(string text) => Markup.Escape(text);
}
