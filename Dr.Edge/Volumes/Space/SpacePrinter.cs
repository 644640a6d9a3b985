using Dr.Edge.Cli;
using Spectre.Console;

namespace Dr.Edge.Volumes.Space;

/// <summary>What is shown about space.</summary>
internal static class SpacePrinter
{
    public static void Print(SpaceOverview overview)
    {
        var disks = Table("disk", "size", "free", "reserve", "last hour", "last day", "last week", "full in", "state");
        foreach (var disk in overview.FileSystems)
        {
            disks.AddRow(
                Markup.Escape(disk.Path), Quantities.FormatSize(disk.SizeBytes), Quantities.FormatSize(disk.AvailableBytes), Quantities.FormatSize(disk.ReserveBytes),
                Growth(disk.LastHour), Growth(disk.LastDay), Growth(disk.LastWeek), FullIn(disk.FullInSeconds), disk.Level.ToString().ToLowerInvariant());
        }

        AnsiConsole.Write(disks);
        AnsiConsole.WriteLine();
        var volumes = Table("volume", "on disk", "base", "layers", "shared", "written/hour", "written/day", "growth/day", "full in (alone)", "when full");
        foreach (var volume in overview.Volumes)
        {
            volumes.AddRow(
                Markup.Escape(volume.Name), Quantities.FormatSize(volume.AllocatedBytes), Quantities.FormatSize(volume.BaseBytes), Quantities.FormatSize(volume.LayerBytes),
                Quantities.FormatSize(volume.SharedBytes), Per(volume.LastHour?.WrittenPerHour, 1), Per(volume.LastDay?.WrittenPerHour, 24), Per(volume.LastDay?.GrowthPerHour, 24),
                FullIn(volume.FullInAloneSeconds), PolicyText(volume.WhenFull));
        }

        AnsiConsole.Write(volumes);
    }

    /// <summary>Rows for <c>volume show</c>.</summary>
    /// <param name="now">When it was asked: the time until the disk is full is told as a date too.</param>
    public static IEnumerable<(string Name, string Value)> Rows(VolumeSpaceReport space, DateTimeOffset now)
    {
        yield return ("space", $"{Quantities.FormatSize(space.AllocatedBytes)} on disk: base {Quantities.FormatSize(space.BaseBytes)}, layers {Quantities.FormatSize(space.LayerBytes)} (head {Quantities.FormatSize(space.HeadBytes)})");
        if (space.SharedBytes > 0)
        {
            yield return ("shared", $"{Quantities.FormatSize(space.SharedBytes)} with the volume it was made of, where it alone keeps {Quantities.FormatSize(space.HeldBytes)}");
        }

        if (space.WaitingBytes > 0)
        {
            yield return ("to be freed", Quantities.FormatSize(space.WaitingBytes));
        }

        yield return ("growth", $"written {Per(space.LastHour?.WrittenPerHour, 1)} an hour, {Per(space.LastDay?.WrittenPerHour, 24)} a day ({Quantities.FormatSize(space.ChangedLastDayBytes)} of them different); on disk {Per(space.LastDay?.GrowthPerHour, 24)} a day");
        yield return ("full in", $"{FullIn(space.FullInSeconds)}{SpaceText.Date(space.FullInSeconds, now)}, this volume alone {FullIn(space.FullInAloneSeconds)} (disk: {space.Level.ToString().ToLowerInvariant()}; when full: {PolicyText(space.WhenFull)})");
        if (space.RefusedWrites > 0)
        {
            yield return ("refused", $"{space.RefusedWrites} writes for want of space since the start");
        }
    }

    public static string FullIn(double? seconds) => seconds is { } value ? SpaceText.Duration(TimeSpan.FromSeconds(value)) : "-";

    private static string Growth(RateReport? rate) => rate is null ? "?" : SpaceText.Rate(rate.GrowthPerHour, "h");

    private static string Per(double? perHour, int hours) => perHour is { } value ? $"{(value < 0 ? "-" : "")}{Quantities.FormatSize((long)Math.Abs(value * hours))}" : "?";

    private static string PolicyText(FullPolicy policy) => policy == FullPolicy.HistoryGivesWay ? "history gives way" : "writes are refused";

    private static Table Table(params string[] columns)
    {
        var table = new Table().Border(TableBorder.None);
        foreach (var column in columns)
        {
            table.AddColumn(new TableColumn(column).NoWrap());
        }

        return table;
    }
}
