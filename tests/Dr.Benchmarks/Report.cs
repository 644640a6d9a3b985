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

        return text.ToString();
    }

    public static string Json(IReadOnlyList<Summary> summaries, IReadOnlyList<Measurement> measurements, string conditions) =>
        JsonSerializer.Serialize(new { conditions, summaries, measurements }, Indented);

    private static string[] Cells(Summary s) =>
    [
        s.Pattern, s.Peer, Number(s.Iops, "N0"), Number(s.MebibytesPerSecond, "N0"), Number(s.P50Microseconds, "N0"), Number(s.P99Microseconds, "N0"), Number(s.CpuMicroseconds, "N1"),
        Number(s.PauseMicroseconds, "N0"), Number(s.Ratio, "N2"), double.IsNaN(s.Goal) ? "" : string.Create(CultureInfo.InvariantCulture, $"≥ {s.Goal:N2}"), s.IsMet switch { true => "met", false => "missed", null => "" },
    ];

    private static string Number(double value, string format) => double.IsNaN(value) ? "" : value.ToString(format, CultureInfo.InvariantCulture);
}
