using Dr.Edge.Archives.Format;
using Dr.Edge.Archives.Reading;
using Dr.Edge.Cli;
using Spectre.Console;

namespace Dr.Edge.Archives;

/// <summary>What the archive commands show.</summary>
internal static class ArchivePrinter
{
    public static void Print(ArchiveResult result, bool json) => VolumePrinter.Print(
        result, json,
        $"{result.Name}: {Quantities.FormatSize(result.ContentBytes)} of data of {result.Volume} in {result.Parts} part(s), {Quantities.FormatSize(result.StoredBytes)}, in {result.Place}{Resumed(result.ResumedAtBytes)}");

    public static void Print(ArchiveRestoreResult result, bool json)
    {
        VolumePrinter.Print(result, json, $"{result.Target}: {Quantities.FormatSize(result.DataBytes)} of data, {Quantities.FormatSize(result.VolumeBytes)} in all, from {result.Archive}{Resumed(result.ResumedAtBytes)}");
        if (!json && result.LostBytes > 0)
        {
            Console.Error.WriteLine($"Warning: {Quantities.FormatSize(result.LostBytes)} could not be read and are zeros in {result.Target}:");
            Tell(result.Findings, Console.Error);
        }
    }

    public static void Print(ArchiveVerifyResult result, bool json)
    {
        if (json)
        {
            CommandShell.PrintJson(result);
            return;
        }

        Tell(result.Findings, Console.Out);
        var how = result.Authenticated ? "" : "; by checksums alone, as no key was given";
        Console.Out.WriteLine(
            result.Ok ? $"{result.Archive}: {result.Parts} part(s), {Quantities.FormatSize(result.StoredBytes)}, all as written{how}"
            : result.LostBytes == 0 ? $"{result.Archive}: not all as written, but all of the volume's {Quantities.FormatSize(result.VolumeBytes)} can be restored{how}"
            : $"{result.Archive}: {Quantities.FormatSize(result.ReadableBytes)} of {Quantities.FormatSize(result.VolumeBytes)} can be restored (--salvage), {result.LostBytes} bytes are lost{how}");
    }

    public static void Print(IReadOnlyList<ArchiveSummary> archives, bool json)
    {
        if (json)
        {
            CommandShell.PrintJson(archives);
            return;
        }

        var table = new Table { Border = TableBorder.Simple };
        table.AddColumns("name", "volume", "as of", "size", "stored", "parts", "key", "state");
        foreach (var archive in archives)
        {
            var description = archive.Description;
            table.AddRow(
                Markup.Escape(archive.Name), Markup.Escape(description?.VolumeName ?? "?"), description is null ? "?" : $"{description.At:yyyy-MM-dd HH:mm:ss}Z{(description.Label is { } label ? " " + Markup.Escape(label) : "")}",
                Quantities.FormatSize(archive.VolumeBytes), Quantities.FormatSize(archive.StoredBytes), archive.ExpectedParts == archive.Parts ? $"{archive.Parts}" : $"{archive.Parts} of {(archive.ExpectedParts == 0 ? "?" : archive.ExpectedParts)}",
                archive.Key switch { ArchiveKeyKind.KeyFile => "key file", ArchiveKeyKind.Passphrase => "passphrase", _ => "none" },
                Markup.Escape(archive.Gaps.Count > 0 ? string.Join("; ", archive.Gaps) : archive.Findings.Count > 0 ? archive.Findings[0].Problem : "whole"));
        }

        AnsiConsole.Write(table);
    }

    private static void Tell(IReadOnlyList<ArchiveFinding> findings, TextWriter to)
    {
        foreach (var finding in findings)
        {
            var length = finding.Length > 0 ? $", {finding.Length} bytes" : "";
            var lost = finding.Lost is { } range ? $"; lost: bytes {range.Offset} to {range.Offset + range.Length - 1} of the volume" : "; nothing is lost by it";
            to.WriteLine($"{finding.Where}: byte {finding.Offset}{length}: {finding.Problem}{lost}");
        }
    }

    private static string Resumed(long bytes) => bytes == 0 ? "" : $" (went on at {Quantities.FormatSize(bytes)})";
}
