using Dr.Silo.Decisions.Failover;

namespace Dr.Silo.Decisions.Alerts;

/// <summary>The table. Every alert there can be, with its limits and its page.</summary>
public static class AlertRules
{
    private const double Never = double.PositiveInfinity;

    public static IReadOnlyList<AlertRule> All { get; } =
    [
        new(AlertKind.DependencyLost, "database, broker or silo cannot be reached", AlertRule.Holds, Minutes(1), AlertRule.Holds, Minutes(5), "", "dependency-lost"),
        new(AlertKind.DetectorBlind, "many are silent at once, or the detector cannot meet its bound", AlertRule.Holds, Minutes(5), AlertRule.Holds, Minutes(30), "", "detector-blind"),

        // Said once when it is seen; it stays in view long enough to be seen by a person.
        new(AlertKind.StaleWriter, "a writer of a lower epoch was seen, or the gateway reads back wrong", Never, default, AlertRule.Holds, default, "", "stale-writer") { ClearFor = Minutes(30) },
        new(AlertKind.CopiesDiverged, "two copies went on separately", Never, default, AlertRule.Holds, default, "", "copies-diverged"),
        new(AlertKind.PersonAwaited, "a run waits for a person", AlertRule.Holds, Minutes(2), AlertRule.Holds, Minutes(10), "", "person-awaited"),
        new(AlertKind.StepSlow, "a step takes longer than it should", 1.5, default, 3, default, "times its p95", "step-slow"),
        new(AlertKind.TrialUncommitted, "a takeover on trial is not committed", AlertRule.Holds, Minutes(30), AlertRule.HoldsWorse, default, "", "trial-uncommitted"),
        new(AlertKind.PeerNotReady, "the other site cannot take over", AlertRule.Holds, Minutes(15), AlertRule.Holds, Minutes(60), "", "peer-not-ready"),
        new(AlertKind.SystemUnprotected, "no complete copy at the other site", Never, default, AlertRule.Holds, Minutes(10), "", "system-unprotected"),
        new(AlertKind.RecoveryPointAge, "the copy is nearly as old as its objective allows", 0.5, Minutes(1), 0.8, Minutes(1), "of the objective", "recovery-point-age"),
        new(AlertKind.HistoryShort, "less history than the policy promises", 0.15, Minutes(1), 0.25, Minutes(1), "of the promise missing", "history-short"),
        new(AlertKind.DrillNotCleaned, "a drill is not cleaned up", AlertRule.Holds, Minutes(15), AlertRule.Holds, Minutes(60), "", "drill-not-cleaned"),
        new(AlertKind.DrillOverdue, "the last good drill is older than planned", 26, default, 72, default, "h", "drill-overdue"),
        new(AlertKind.LargeDrillOverdue, "the last good drill of a large system is older than planned", 8 * 24, default, 15 * 24, default, "h", "drill-overdue"),
        new(AlertKind.AutomationOff, "automation is off or held", AlertRule.Holds, Minutes(60), AlertRule.Holds, Minutes(24 * 60), "", "automation-off"),

        // The appliance forecasts a week (1) and a day (2) ahead, with a hysteresis of its own.
        new(AlertKind.DiskFilling, "an appliance's disk fills up", AlertRule.Holds, default, AlertRule.HoldsWorse, default, "", "disk-filling"),
        new(AlertKind.ClockSkew, "clocks differ", 0.5, Minutes(1), 5, Minutes(1), "s", "clock-skew"),

        // Devices renew at two thirds: at four fifths some days of attempts have failed.
        new(AlertKind.CertificateEnding, "a certificate comes near its end", 0.8, default, 0.95, default, "of its life", "certificate-ending"),
    ];

    private static readonly Dictionary<AlertKind, AlertRule> ByKind = All.ToDictionary(rule => rule.Kind);

    public static AlertRule Of(AlertKind kind) => ByKind[kind];

    /// <summary>What an alert that the failover machine raises by itself is followed as.</summary>
    public static AlertKind KindOf(AlertKey alert) => alert switch
    {
        AlertKey.Unprotected or AlertKey.CopyTrouble or AlertKey.TakenOver => AlertKind.SystemUnprotected,
        AlertKey.Diverged or AlertKey.DigestMismatch => AlertKind.CopiesDiverged,
        AlertKey.LineTrouble or AlertKey.NoCopyToTakeOver => AlertKind.PeerNotReady,
        AlertKey.WaitsForPerson or AlertKey.StepFailed or AlertKey.FencingUnproven => AlertKind.PersonAwaited,
        AlertKey.StepLate => AlertKind.StepSlow,
        AlertKey.OwnershipMoved => AlertKind.StaleWriter,
        AlertKey.OnTrial => AlertKind.TrialUncommitted,
        AlertKey.DrillFailed => AlertKind.DrillOverdue,
        AlertKey.Held => AlertKind.AutomationOff,
        _ => AlertKind.PersonAwaited, // One that this version does not know is for a person.
    };

    private static TimeSpan Minutes(int minutes) => TimeSpan.FromMinutes(minutes);
}
