using Dr.Edge.Cli;
using Spectre.Console;

namespace Dr.Edge.Volumes.Scrubbing;

/// <summary>What is shown about scrubbing.</summary>
internal static class ScrubPrinter
{
    public static void Print(IReadOnlyList<ScrubStatus> volumes, bool json)
    {
        if (json)
        {
            CommandShell.PrintJson(volumes);
            return;
        }

        var table = VolumePrinter.Table("volume", "state", "progress", "read", "last finished", "next", "findings");
        foreach (var volume in volumes)
        {
            table.AddRow(
                Markup.Escape(volume.Volume), volume.State, volume.Progress is { } progress ? progress.ToString("P1", CultureInfo.InvariantCulture) : "-", Quantities.FormatSize(volume.CheckedBytes),
                Time(volume.FinishedAt), Time(volume.NextAt), volume.Findings.Count.ToString(CultureInfo.InvariantCulture));
        }

        AnsiConsole.Write(table);
        foreach (var (volume, finding) in volumes.SelectMany(volume => volume.Findings.Select(finding => (volume.Volume, finding))))
        {
            Console.Out.WriteLine($"{volume}: {Describe(finding)}");
        }
    }

    /// <summary>One line for <c>volume show</c>.</summary>
    public static string Line(ScrubStatus status) =>
        $"{status.State}{(status.Progress is { } progress ? $" {progress.ToString("P1", CultureInfo.InvariantCulture)}" : "")}, last finished {Time(status.FinishedAt)}, {status.Findings.Count} findings";

    private static string Describe(ScrubFinding finding) =>
        $"{finding.Where} at byte {finding.Offset}, {finding.Length} bytes: {finding.Problem}; shown by {(finding.InPresent ? "the present" : "the past only")}"
        + (finding.Points.Count > 0 ? $" and points {string.Join(", ", finding.Points.Take(10))}{(finding.Points.Count > 10 ? ", …" : "")}" : "")
        + $"; first seen {Time(finding.FirstSeen)}";

    private static string Time(DateTimeOffset? at) => at?.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture) ?? "-";
}
