using Dr.Edge.Volumes.Scrubbing;
using Dr.Edge.Volumes.Space;
using Spectre.Console;

namespace Dr.Edge.Cli;

/// <summary>What the store's commands show: JSON, one line, or a table.</summary>
internal static class VolumePrinter
{
    public static void Print<T>(T value, bool json, string text)
    {
        if (json)
        {
            CommandShell.PrintJson(value);
        }
        else
        {
            Console.Out.WriteLine(text);
        }
    }

    public static void PrintTable(IReadOnlyList<VolumeSummary> volumes, bool json)
    {
        if (json)
        {
            CommandShell.PrintJson(volumes);
            return;
        }

        var table = Table("name", "size", "role", "epoch", "points", "used", "state");
        foreach (var volume in volumes)
        {
            var state = volume.Fault ?? (volume.Writable ? "writable" : volume.Refuses);
            var role = volume.CloneOf is null ? volume.Role.ToString().ToLowerInvariant() : $"clone of {volume.CloneOf}";
            table.AddRow(
                Markup.Escape(volume.Name), Quantities.FormatSize(volume.SizeBytes), Markup.Escape(role), volume.Epoch.ToString(), volume.PointCount.ToString(CultureInfo.InvariantCulture),
                Quantities.FormatSize(volume.AllocatedBytes), Markup.Escape(state ?? ""));
        }

        AnsiConsole.Write(table);
    }

    public static void PrintDetails(VolumeSummary volume, bool json)
    {
        if (json)
        {
            CommandShell.PrintJson(volume);
            return;
        }

        var grid = new Grid().AddColumn().AddColumn();
        void Row(string name, string? value)
        {
            if (value is not null)
            {
                grid.AddRow(name, Markup.Escape(value));
            }
        }

        Row("name", volume.Name);
        Row("id", volume.Id.Value);
        Row("size", $"{Quantities.FormatSize(volume.SizeBytes)} ({volume.SizeBytes} bytes)");
        Row("role", $"{volume.Role.ToString().ToLowerInvariant()}, epoch {volume.Epoch}");
        Row("writable", volume.Writable ? "yes" : $"no: {volume.Refuses}");
        Row("fault", volume.Fault);
        Row("clone of", volume.CloneOf is null ? null : $"{volume.CloneOf} at {volume.CloneAt:O}");
        Row("writes", $"{volume.Appended} appended, {volume.Durable} durable");
        Row("generation", volume.Generation?.Value);
        Row("current as of", volume.CurrentAsOf?.ToString("O", CultureInfo.InvariantCulture));
        Row("differs", volume.Differs ? "its last write is not its owner's; its owner brings it back to a common point, and what it holds is kept" : null);
        Row("content", Quantities.FormatSize(volume.MappedBytes));
        Row("on disk", Quantities.FormatSize(volume.AllocatedBytes));
        foreach (var (rowName, value) in volume.Space is { } space ? SpacePrinter.Rows(space, TimeProvider.System.GetUtcNow()) : [])
        {
            Row(rowName, value);
        }

        Row("scrubbing", volume.Scrub is { } scrub ? ScrubPrinter.Line(scrub) : null);
        Row("history begins", volume.HistoryBegins.ToString("O", CultureInfo.InvariantCulture));
        Row("points", volume.NewestPoint is { } newest ? $"{volume.PointCount}, newest {newest.Id} of {newest.At:O}" : "none");
        Row("history as of", volume.HistoryAsOf?.ToString("O", CultureInfo.InvariantCulture));
        Row("policy", volume.Policy is { } policy ? PolicyCommands.Describe(policy) : null);
        Row("note", volume.Policy?.Advice);
        Row("restoring", volume.Restoring);
        foreach (var holder in volume.Holders)
        {
            Row("held", $"from write {holder.Sequence}{(holder.Point is { } point ? $" (point {point})" : "")}: {holder.Reason}, since {holder.Since:yyyy-MM-ddTHH:mm:ssZ}");
        }

        AnsiConsole.Write(grid);
    }

    internal static Table Table(params string[] columns)
    {
        var table = new Table().Border(TableBorder.None);
        foreach (var column in columns)
        {
            table.AddColumn(new TableColumn(column).NoWrap());
        }

        return table;
    }
}
