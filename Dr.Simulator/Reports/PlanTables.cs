using Dr.Simulator.Plans;
using Dr.Simulator.Replay;
using Spectre.Console;

namespace Dr.Simulator.Reports;

/// <summary>Plans on a terminal.</summary>
internal static class PlanTables
{
    /// <summary>Where no terminal says how wide it is.</summary>
    private const int Width = 170;

    public static void Write(IAnsiConsole console, SiteForecast forecast)
    {
        Widen(console);
        console.MarkupLineInterpolated($"[bold]{forecast.SiteLost} is lost on {forecast.At}[/] ({(forecast.InOpeningHours ? "open" : "closed")}); {forecast.Seeds} losses played through; capacity of the other site: {(forecast.Capacity is { } c ? Number(c) : "everything")}.");
        console.WriteLine();
        if (forecast.Systems.Count == 0)
        {
            console.MarkupLineInterpolated($"Nothing serves at {forecast.SiteLost}: its loss takes nothing over and stops no system.");
        }
        else
        {
            var table = New("Order of takeover: seconds from the loss, median / 95th percentile", ["Wave", "System", "Class", "Priority", "Waits for", "Load", "Suspected", "Decided", "Promoted", "Serving", "Data lost, most", ""], 1, 4, 11);
            foreach (var s in forecast.Systems)
            {
                table.AddRow(s.Wave is { } wave ? Number(wave) : "[red]–[/]", Text(s.System.Value), s.Class, Number(s.Priority), Text(string.Join(", ", s.DependsOn)), Number(s.Load), Pair(s.Detected), Pair(s.Decided), Pair(s.Started), Pair(s.Serving), Figures.Seconds(s.Loss?.Max), s.LeftBehind is { } why ? $"[yellow]{Text(why)}[/]" : "");
            }

            console.Write(table);
            var going = forecast.Systems.Count(s => s.Wave is not null);
            console.MarkupLineInterpolated($"{going} of {forecast.Systems.Count} systems go over in {forecast.Systems.Max(s => s.Wave) ?? 0} wave(s); the last serves after {Pair(forecast.AllServing)}.");
            console.MarkupLine(forecast.WithinObjective
                ? $"[green]Within[/] the objective for a lost site: RTO and RPO of {SiteForecast.Objective.TotalMinutes:0} min."
                : $"[red]Not within[/] the objective for a lost site: RTO and RPO of {SiteForecast.Objective.TotalMinutes:0} min.");
        }

        if (forecast.Staying.Count > 0)
        {
            console.WriteLine();
            var staying = New("Systems that serve on, without a copy until the site is back", ["System", "Class", "Held for it a day", "Within the hold budget for", "Catches up after a day without, in"], 1);
            foreach (var s in forecast.Staying)
            {
                staying.AddRow(Text(s.System.Value), Text(s.Class), Megabytes(s.HeldGigabytesPerDay * 1e3), s.HoldDays is { } days ? string.Create(CultureInfo.InvariantCulture, $"{days:0.#} days") : "–", s.CatchUpHours is { } hours ? Figures.Seconds(hours * 3600) : "[red]never[/]");
            }

            console.Write(staying);
        }

        Assumed(console, forecast.Assumptions);
    }

    public static void Write(IAnsiConsole console, CapacityPlan plan)
    {
        Widen(console);
        var last = plan.Inputs.Years;
        console.MarkupLineInterpolated($"[bold]Lines and disks over {last} year(s)[/], growing by {plan.Inputs.GrowthPercent:0.#} % a year.");
        console.WriteLine();
        var needs = New("What each line of the policies needs of its class today", ["Line", "Systems", "Class", "Change a day", "Stream, busiest hour", "Smallest backup", "takes", "A point", "Full over the line", "asked every"], 1, 2);
        foreach (var p in plan.Policies)
        {
            needs.AddRow(Text(p.Policy), Text(string.Join(", ", p.Systems)), Text(p.Class), $"{p.ChangeGigabytesPerDay:0.0} GB", $"{p.StreamPeakMbps:0.00} Mbit/s", p.IncrementalMegabytes is { } mb ? Megabytes(mb) : "–", Figures.Seconds(p.IncrementalSeconds), Megabytes(p.PointMegabytes),
                p.FullEveryHours is { } every && p.FullHours > every ? $"[red]{p.FullHours:0.0} h[/]" : $"{p.FullHours:0.0} h", p.FullEveryHours is { } e ? $"{e:0} h" : "–");
        }

        console.Write(needs);
        console.WriteLine();
        var disks = New($"Disk at each site, TB: today, and in year {last}", ["Line", "Data today", $"Data in {last}", "Every write", "Points", "Free", $"Needed in {last}", "Planned", "Tape needed", "Tape", "No longer fits"]);
        foreach (var p in plan.Policies)
        {
            var y = p.Disk[^1];
            disks.AddRow(Text(p.Policy), $"{p.Disk[0].DataTb:0.##}{(p.DataAssumed ? " (assumed)" : "")}", $"{y.DataTb:0.##}", $"{y.HistoryTb:0.###}", $"{y.PointsTb:0.###}", $"{y.ReserveTb:0.##}", y.Fits ? $"{y.NeedTb:0.##}" : $"[red]{y.NeedTb:0.##}[/]", $"{y.PlannedTb:0.##}",
                p.TapeTb > 0 ? (p.TapeNeedTb > p.TapeTb ? $"[red]{p.TapeNeedTb:0.##}[/]" : $"{p.TapeNeedTb:0.##}") : "–", p.TapeTb > 0 ? $"{p.TapeTb:0.##}" : "–", Short(p.DiskShortIn, last));
        }

        console.Write(disks);
        console.WriteLine();
        var lines = New($"Bandwidth classes: busiest hour, and time to catch up after a day without the line; today / in year {last}", ["Class", "Mbit/s", "Lines", "Busiest hour, Mbit/s", "of the class", "Catches up in", "Short"], 2);
        foreach (var c in plan.Classes)
        {
            lines.AddRow(Text(c.Class), $"{c.Mbps:0.#}", Text(string.Join(", ", c.Policies)), $"{c.Years[0].PeakMbps:0.00} / {c.Years[^1].PeakMbps:0.00}", $"{Figures.Percent(c.Years[0].PeakPercent)} / {Figures.Percent(c.Years[^1].PeakPercent)}", $"{Hours(c.Years[0])} / {Hours(c.Years[^1])}", Short(c.ShortIn, last));
        }

        foreach (var l in plan.Lines)
        {
            lines.AddRow($"[bold]{Text(l.Network)}[/]", $"{l.Mbps:0.#}", "", "", $"classes take {l.ClassesMbps:0.#}", "", l.Overbooked ? "[red]overbooked[/]" : "[green]no[/]");
        }

        console.Write(lines);
        Assumed(console, plan.Assumptions);
    }

    private static string Hours(ClassYear year) => year.CatchUpHours is { } hours ? Figures.Seconds(hours * 3600) : "never";

    private static string Short(int? year, int planned) => year switch
    {
        null => $"[green]not within {CapacityPlan.HorizonYears} years[/]",
        0 => "[red]today[/]",
        _ when year <= planned => $"[red]in year {year}[/]",
        _ => $"in year {year}",
    };

    private static string Megabytes(double mb) => mb < 1000 ? string.Create(CultureInfo.InvariantCulture, $"{mb:0.#} MB") : string.Create(CultureInfo.InvariantCulture, $"{mb / 1000:0.#} GB");

    private static void Assumed(IAnsiConsole console, IReadOnlyList<string> assumptions)
    {
        console.WriteLine();
        console.MarkupLine("[bold]Assumed[/]");
        foreach (var assumption in assumptions)
        {
            console.MarkupLineInterpolated($"  · {assumption}");
        }
    }

    private static Table New(string title, string[] columns, params int[] left)
    {
        var table = new Table().Border(TableBorder.Simple).Title(Markup.Escape(title));
        for (var i = 0; i < columns.Length; i++)
        {
            table.AddColumn(new TableColumn(Markup.Escape(columns[i])) { Alignment = i == 0 || left.Contains(i) ? Justify.Left : Justify.Right });
        }

        return table;
    }

    private static void Widen(IAnsiConsole console)
    {
        if (Console.IsOutputRedirected)
        {
            console.Profile.Width = Width;
        }
    }

    private static string Pair(Spread? spread) => spread is null ? "–" : $"{Figures.Seconds(spread.Median)} / {Figures.Seconds(spread.P95)}";

    private static string Number(double number) => number.ToString("0.##", CultureInfo.InvariantCulture);

    private static string Text(string text) => Markup.Escape(text);
}
