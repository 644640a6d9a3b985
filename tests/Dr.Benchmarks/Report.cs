using System.Globalization;
using System.Text;
using System.Text.Json;
using Spectre.Console;

namespace Dr.Benchmarks;

/// <summary>The same medians as a table for the terminal, as Markdown and as JSON.</summary>
internal static class Report
{
    private static readonly string[] Headings = ["pattern", "server", "IOPS", "MiB/s", "p50 µs", "p99 µs", "CPU µs/request", "p99 pause µs", "ratio", "goal", ""];

    private static readonly JsonSerializerOptions Indented = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    public static void Show(IAnsiConsole console, IReadOnlyList<Summary> summaries)
    {
        var table = new Table { Border = TableBorder.Rounded };
        foreach (var heading in Headings)
        {
            table.AddColumn(heading);
        }

        foreach (var summary in summaries)
        {
            table.AddRow([.. Cells(summary).Select(cell => new Text(cell))]);
        }

        // A pipe or a CI log has no width of its own.
        console.Profile.Width = Math.Max(console.Profile.Width, 170);
        console.Write(table);
        console.WriteLine(Verdict(summaries));
    }

    /// <summary>How many of the goals that were measured are met, and which are not.</summary>
    public static string Verdict(IReadOnlyList<Summary> summaries)
    {
        var missed = summaries.Where(summary => summary.IsMet == false).Select(summary => $"{summary.Pattern} against {summary.Peer}").ToArray();
        var counts = $"{summaries.Count(summary => summary.IsMet == true)} goals met, {missed.Length} missed";
        return missed.Length == 0 ? $"{counts}." : $"{counts}: {string.Join("; ", missed)}.";
    }

    /// <summary>Which runs that only read were of the disk and not of memory; null when none was.</summary>
    public static string? FromDisk(IReadOnlyList<Measurement> measurements, IReadOnlyList<Pattern> patterns)
    {
        var reading = patterns.Where(pattern => !pattern.IsWriting && !pattern.IsDatabase).Select(pattern => pattern.Name).ToHashSet(StringComparer.Ordinal);
        var runs = measurements.Where(run => run.DiskMebibytesRead > 0 && reading.Contains(run.Pattern))
            .Select(run => string.Create(CultureInfo.InvariantCulture, $"{run.Pattern} on {run.Peer}, round {run.Round + 1}: {run.DiskMebibytesRead:N1} MiB")).ToArray();
        return runs.Length == 0 ? null : $"Memory was short: these runs waited for the disk, and their figures are not those of the servers. {string.Join("; ", runs)}.";
    }

    public static string Markdown(IReadOnlyList<Summary> summaries, string conditions)
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"{conditions}\n");
        text.AppendLine(CultureInfo.InvariantCulture, $"| {string.Join(" | ", Headings)} |");
        text.AppendLine(CultureInfo.InvariantCulture, $"| {string.Join(" | ", Headings.Select(_ => "---"))} |");
        foreach (var summary in summaries)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"| {string.Join(" | ", Cells(summary))} |");
        }

        text.AppendLine(CultureInfo.InvariantCulture, $"\n{Verdict(summaries)}");
        return text.ToString();
    }

    public static string Json(IReadOnlyList<Summary> summaries, IReadOnlyList<Measurement> measurements, string conditions) =>
        JsonSerializer.Serialize(new { conditions, verdict = Verdict(summaries), summaries, measurements }, Indented);

    private static string[] Cells(Summary s) =>
    [
        s.Pattern, s.Peer, Number(s.Iops, "N0"), Number(s.MebibytesPerSecond, "N0"), Number(s.P50Microseconds, "N0"), Number(s.P99Microseconds, "N0"), Number(s.CpuMicroseconds, "N1"),
        Number(s.PauseMicroseconds, "N0"), Number(s.Ratio, "N2"), Goal(s), s.IsMet switch { true => "met", false => "missed", null => "" },
    ];

    private static string Goal(Summary s)
    {
        var ratio = double.IsNaN(s.Goal) ? "" : string.Create(CultureInfo.InvariantCulture, $"≥ {s.Goal:N2}");
        return double.IsNaN(s.PauseGoalMicroseconds) ? ratio : string.Create(CultureInfo.InvariantCulture, $"{ratio}, pause ≤ {s.PauseGoalMicroseconds:N0}");
    }

    private static string Number(double value, string format) => double.IsNaN(value) ? "" : value.ToString(format, CultureInfo.InvariantCulture);
}
