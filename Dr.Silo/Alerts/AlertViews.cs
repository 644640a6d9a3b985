using Dr.Contracts.Grains;
using Dr.Silo.Decisions.Alerts;

namespace Dr.Silo.Alerts;

/// <summary>The board as people see it. Pure.</summary>
internal static class AlertViews
{
    public static AlertsView Of(AlertBoard board, DateTimeOffset now)
    {
        var folded = board.Alerts.Values.Where(a => a is { IsFiring: true, Cause: not null }).ToLookup(a => a.Cause!, StringComparer.Ordinal);
        return new AlertsView
        {
            At = now,
            Alerts =
            [
                .. board.Alerts.Values.Where(a => a.IsRoot).OrderByDescending(a => a.GroupLevel).ThenBy(a => a.RaisedAt).ThenBy(a => a.Key, StringComparer.Ordinal)
                    .Select(a => View(a, board, now, [.. folded[a.Key].Select(child => View(child, board, now, []))])),
            ],
            Silences = [.. board.Silences.Where(s => now < s.Until).Select(s => new SilenceView { Id = s.Id, Kind = s.Kind?.ToString(), Subject = s.Subject, Order = new AlertOrder { Actor = s.By, Reason = s.Reason, Until = s.Until } })],
        };
    }

    /// <summary>Whether two boards differ in nothing but figures and sentences, which are read anew anyway and need not be stored each time.</summary>
    public static bool Same(AlertBoard one, AlertBoard other) =>
        one.Alerts.Count == other.Alerts.Count && one.Silences.SequenceEqual(other.Silences)
        && one.Alerts.All(a => other.Alerts.TryGetValue(a.Key, out var b) && (a.Value with { Value = 0, Text = "", Causes = [] }).Equals(b with { Value = 0, Text = "", Causes = [] }));

    private static AlertView View(AlertState alert, AlertBoard board, DateTimeOffset now, IReadOnlyList<AlertView> explains)
    {
        var rule = AlertRules.Of(alert.Kind);
        return new AlertView
        {
            Id = alert.Id,
            Kind = alert.Kind.ToString(),
            Subject = alert.Subject,
            Level = alert.GroupLevel == AlertLevel.Critical ? Severity.Critical : Severity.Warning,
            Title = rule.Title,
            Text = alert.Text,
            Value = alert.Value,
            RaisedAt = alert.RaisedAt ?? now,
            Runbook = $"{rule.Runbook}.md",
            Explains = explains,
            Acknowledged = alert.Acknowledged is { } quiet && now < quiet.Until ? new AlertOrder { Actor = quiet.By, Reason = quiet.Reason, Until = quiet.Until } : null,
            Silenced = board.Silences.Any(s => s.Covers(alert, now)),
        };
    }
}
