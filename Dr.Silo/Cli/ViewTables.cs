using Dr.Contracts.Grains;
using Dr.Silo.Api;
using Spectre.Console;

namespace Dr.Silo.Cli;

/// <summary>Views as tables for people.</summary>
internal static class ViewTables
{
    public static Table Systems(IReadOnlyList<SystemView> systems) => Make(
        ["System", "Class", "Phase", "Epoch", "Site", "Copy behind", "Points", "Why"],
        systems.Select(s => new[] { s.Id.Value, s.Class.ToString(), s.Phase, s.Epoch.ToString(), s.Site.Value, Seconds(s.DataAgeSeconds), Number(s.Points), s.Reason ?? "" }));

    /// <summary>One system, a fact a line.</summary>
    public static Table System(SystemView s) => Facts(
    [
        ("System", $"{s.Id} ({s.Name}), class {s.Class}"),
        ("Phase", $"{s.Phase} since {Time(s.PhaseSince)}{(s.Until is { } until ? $", until {Time(until)}" : "")}"),
        ("Why", s.Reason ?? ""),
        ("Owner", $"{s.Site} at epoch {s.Epoch} (home {s.Home}, peer {s.Peer})"),
        ("Copy behind", $"{Seconds(s.DataAgeSeconds)}; a takeover loses {Seconds(s.PredictedLossSeconds)} (limit {Seconds(s.LossLimitSeconds)}) and takes {Seconds(s.ForecastSeconds)}"),
        ("Points", $"{s.Points}, newest {(s.NewestPoint is { } point ? $"{point.Id} at {Time(point.At)}" : "none")}"),
        ("Live run", s.LiveRun is { } run ? $"{run.Id}: {run.Kind} to {run.To}, {run.State}" : "none"),
        .. s.Conditions.Select(c => ($"  {c.Kind}", $"{c.Holds switch { true => "yes", false => "no", null => "not known" }} since {Time(c.Since)}: {c.Reason}")),
        .. s.Components.Select(c => ($"  {c.Name}", $"{c.State} since {Time(c.Since)}{(c.Detail is { Length: > 0 } detail ? $": {detail}" : "")}")),
    ]);

    public static Table Devices(IReadOnlyList<DeviceView> devices) => Make(
        ["Device", "Site", "Roles", "Presence", "Last heard", "Open commands"],
        devices.Select(d => new[] { d.Id.Value, d.Site?.Value ?? "", string.Join(", ", d.Roles), d.Presence.ToString(), d.LastHeard is { } at ? Time(at) : "never", Number(d.OpenCommands.Count) }));

    public static Table Sites(IReadOnlyList<SiteView> sites) => Make(
        ["Site", "Devices", "Silent", "Who", "Mass suspicion since"],
        sites.Select(s => new[] { s.Id.Value, Number(s.Members.Count), Number(s.Silent.Count), string.Join(", ", s.Silent.Take(8)), s.MassSuspicion && s.Since is { } at ? Time(at) : "" }));

    public static Table Volumes(IReadOnlyList<VolumeView> volumes) => Make(
        ["Volume", "Appliance", "Role", "Epoch", "Sequence", "Points", "Writable"],
        volumes.SelectMany(v => v.Copies.Select(c => new[]
        {
            v.Name, c.Appliance.Value, c.Status.Role.ToString(), c.Status.Epoch.ToString(), c.Status.Appended.ToString(), Number(c.Status.PointCount), c.Status.Writable ? "yes" : "no",
        })));

    public static Table Points(IReadOnlyList<Contracts.Mqtt.PointInfo> points) => Make(
        ["Point", "At", "Sequence", "Consistency", "Label"],
        points.Select(p => new[] { p.Id.ToString(), Time(p.At), p.Sequence.ToString(), p.Consistency.ToString(), p.Label ?? "" }));

    public static Table Runs(IReadOnlyList<RunView> runs) => Make(
        ["Run", "System", "Kind", "State", "From", "To", "Started", "Outcome"],
        runs.Select(r => new[] { r.Id.Value, r.System.Value, r.Kind.ToString(), r.State.ToString(), r.From.Value, r.To.Value, Time(r.StartedAt), r.Outcome ?? "" }));

    /// <summary>One run: facts, then steps in their order.</summary>
    public static Table Run(RunView r) => Facts(
    [
        ("Run", $"{r.Id}: {r.Kind} of {r.System} from {r.From} to {r.To}"),
        ("State", $"{r.State}{(r.Outcome is { } outcome ? $": {outcome}" : "")}"),
        ("Ordered", $"by {r.Actor} at {Time(r.StartedAt)}, epoch {r.Epoch}: {r.Reason}"),
        .. r.Facts.Select(f => ($"  {f.Key}", f.Value)),
        .. r.Steps.Select(s => ($"{s.State}", $"{s.Step} at {s.Target}{(s.Seconds is { } seconds ? string.Create(CultureInfo.InvariantCulture, $", {seconds:0.0} s") : "")}{(s.Attempt > 1 ? $", attempt {s.Attempt}" : "")}{(s.Detail is { Length: > 0 } detail ? $": {detail}" : "")}")),
    ]);

    public static Table Alerts(IReadOnlyList<AlertView> alerts) => Make(
        ["Level", "Alert", "Since", "What", "Explains", "Known to", "Runbook"],
        alerts.Select(a => new[]
        {
            a.Level.ToString(), a.Id, Time(a.RaisedAt), a.Text, Number(a.Explains.Count), a.Acknowledged is { } known ? $"{known.Actor} until {Time(known.Until)}: {known.Reason}" : a.Silenced ? "silenced" : "", a.Runbook,
        }));

    public static Table Silences(IReadOnlyList<SilenceView> silences) => Make(
        ["Silence", "Kind", "Subject", "By", "Until", "Why"],
        silences.Select(s => new[] { s.Id, s.Kind ?? "any", s.Subject ?? "any", s.Order.Actor, Time(s.Order.Until), s.Order.Reason }));

    public static Table Audit(IReadOnlyList<AuditRecord> entries) => Make(
        ["Entry", "At", "Actor", "Action", "Subject", "Epoch", "What"],
        entries.Select(e => new[] { e.Sequence.ToString(CultureInfo.InvariantCulture), Time(e.At), e.Actor, e.Action, e.Subject, e.Epoch.ToString(), e.Text }));

    public static Table Users(IReadOnlyList<UserView> users) => Make(
        ["User", "Role", "Password", "Made", "By", "Disabled"],
        users.Select(u => new[] { u.Name, u.Role.ToString().ToLowerInvariant(), u.HasPassword ? "yes" : "no", Time(u.CreatedAt), u.CreatedBy, u.DisabledAt is { } at ? Time(at) : "" }));

    public static Table Tokens(IReadOnlyList<TokenView> tokens) => Make(
        ["Token", "User", "Kind", "Role", "Label", "Expires", "Last used", "Revoked"],
        tokens.Select(t => new[]
        {
            t.Id, t.User, t.Kind.ToString(), t.Role.ToString().ToLowerInvariant(), t.Label, Time(t.ExpiresAt), t.LastUsedAt is { } used ? Time(used) : "", t.RevokedAt is { } at ? Time(at) : "",
        }));

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

    private static Table Facts(IEnumerable<(string Name, string Value)> facts) => Make(["", ""], facts.Select(f => new[] { f.Name, f.Value })).HideHeaders();

    private static string Seconds(double? seconds) => seconds is { } s ? string.Create(CultureInfo.InvariantCulture, $"{s:0.0} s") : "?";

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Time(DateTimeOffset at) => at.ToString("u", CultureInfo.InvariantCulture);
}
