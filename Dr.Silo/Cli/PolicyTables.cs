using Dr.Contracts.Grains;
using Dr.Contracts.Policy;
using Dr.Silo.Decisions.Policies;
using Spectre.Console;

namespace Dr.Silo.Cli;

/// <summary>Policies as tables for people.</summary>
internal static class PolicyTables
{
    public static Table Policies(PolicyView view) => ViewTables.Make(
        ["Policy", "Systems", "Kind", "Full", "Incremental", "Differential", "Application", "Bandwidth", "RPO/RTO", "Class", "Approval", "Quiesce"],
        view.Book.Policies.Select(p => PolicyWords.Of(p) is var words
            ? (string[])
            [
                p.Name, words["systems"] ?? "", p.Kind.ToString(), words["full every"] ?? "", words["incremental every"] ?? "", words["differential every"] ?? "", words["application every"] ?? "",
                p.Bandwidth.Name, $"{words["RPO"]}/{words["RTO"]}", words["takeover class"] ?? "", words["approval"] ?? "", p.Quiesce,
            ]
            : []));

    public static Table Plan(PolicyPlan plan) => ViewTables.Make(
        [plan.Version > plan.Seen ? $"Version {plan.Version} is in force" : plan.Differences.Count == 0 ? "Nothing to change" : $"Would change version {plan.Seen}", "Field", "Before", "After"],
        plan.Differences.Select(d => new[] { d.Subject, d.Field, d.Before ?? "", d.After ?? "" }).Concat(plan.Advice.Select(a => new[] { "note", a, "", "" })));

    public static Table History(PolicyView view) => ViewTables.Make(
        ["Version", "When", "Who", "Why", "Differences"],
        view.History.Select(v => new[] { Number(v.Version), Time(v.ChangedAt), v.ChangedBy, v.Reason, string.Join("; ", v.Differences.Take(5).Select(d => $"{d.Subject} {d.Field}")) + (v.Differences.Count > 5 ? $" and {v.Differences.Count - 5} more" : "") }));

    public static Table Backups(PolicyView view) => ViewTables.Make(
        ["System", "Policy", "Backup", "Every", "Last good", "Changed", "Proven", "Next", "Now", "Problem"],
        view.Systems.SelectMany(s => Rows(s).Concat(s.Problems.Select(p => new[] { s.System.Value, s.Policy ?? "", "", "", "", "", "", "", "", p }))));

    private static IEnumerable<string[]> Rows(PolicyReach reach)
    {
        foreach (var backup in reach.Backups)
        {
            yield return
            [
                reach.System.Value, reach.Policy ?? "", $"{backup.Kind} of {backup.Volume}", backup.Every is { } every ? RetentionText.Span(every) : "", Time(backup.Last?.At),
                backup.Last?.ChangedBytes is { } bytes ? Contracts.Cli.Quantities.FormatSize(bytes) : "", backup.Last?.VerifiedAt is null ? "" : $"{backup.Last.Digest?[..12]}{(backup.Last.Peer is null ? ", one copy" : ", both copies")}",
                Time(backup.NextAt), backup.Step ?? "", backup.Problem ?? "",
            ];
        }

        if (reach.FaultRatePercent is { } rate)
        {
            yield return [reach.System.Value, reach.Policy ?? "", "fault rate", "", "", "", "", "", string.Create(CultureInfo.InvariantCulture, $"{rate:0.0} % of opening days, below {reach.FaultRateBelowPercent:0.#} % promised"), rate < reach.FaultRateBelowPercent ? "" : "above what is promised"];
        }

        if (reach.NextSmallDrillAt is not null || reach.NextLargeDrillAt is not null)
        {
            yield return [reach.System.Value, reach.Policy ?? "", "drills", "", "", "", "", $"small {Time(reach.NextSmallDrillAt)}, large {Time(reach.NextLargeDrillAt)}", "", ""];
        }
    }

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Time(DateTimeOffset? at) => at?.ToString("u", CultureInfo.InvariantCulture) ?? "";
}
