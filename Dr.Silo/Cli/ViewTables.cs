using Dr.Contracts.Grains;
using Spectre.Console;

namespace Dr.Silo.Cli;

/// <summary>Views as tables for people.</summary>
internal static class ViewTables
{
    public static Table Systems(IReadOnlyList<SystemView> systems) => Make(
        ["System", "Class", "Phase", "Epoch", "Site", "Copy behind", "Points", "Why"],
        systems.Select(s => new[] { s.Id.Value, s.Class.ToString(), s.Phase, s.Epoch.ToString(), s.Site.Value, Seconds(s.DataAgeSeconds), Number(s.Points), s.Reason ?? "" }));

    public static Table Devices(IReadOnlyList<DeviceView> devices) => Make(
        ["Device", "Site", "Roles", "Presence", "Last heard", "Open commands"],
        devices.Select(d => new[] { d.Id.Value, d.Site?.Value ?? "", string.Join(", ", d.Roles), d.Presence.ToString(), d.LastHeard is { } at ? Time(at) : "never", Number(d.OpenCommands.Count) }));

    public static Table Volumes(IReadOnlyList<VolumeView> volumes) => Make(
        ["Volume", "Appliance", "Role", "Epoch", "Sequence", "Points", "Writable"],
        volumes.SelectMany(v => v.Copies.Select(c => new[]
        {
            v.Name, c.Appliance.Value, c.Status.Role.ToString(), c.Status.Epoch.ToString(), c.Status.Appended.ToString(), Number(c.Status.PointCount), c.Status.Writable ? "yes" : "no",
        })));

    public static Table Runs(IReadOnlyList<RunView> runs) => Make(
        ["Run", "System", "Kind", "State", "From", "To", "Started", "Outcome"],
        runs.Select(r => new[] { r.Id.Value, r.System.Value, r.Kind.ToString(), r.State.ToString(), r.From.Value, r.To.Value, Time(r.StartedAt), r.Outcome ?? "" }));

    internal static Table Make(string[] heads, IEnumerable<string[]> rows)
    {
        var table = new Table().Border(TableBorder.Rounded);
        foreach (var head in heads)
        {
            table.AddColumn(head);
        }

        foreach (var row in rows)
        {
            // Names and reasons come from outside: they are text, never markup.
            table.AddRow([.. row.Select(cell => new Text(cell))]);
        }

        return table;
    }

    private static string Seconds(double? seconds) => seconds is { } s ? string.Create(CultureInfo.InvariantCulture, $"{s:0.0} s") : "?";

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Time(DateTimeOffset at) => at.ToString("u", CultureInfo.InvariantCulture);
}
