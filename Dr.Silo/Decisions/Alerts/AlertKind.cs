namespace Dr.Silo.Decisions.Alerts;

/// <summary>What can be wrong, in the order in which one explains another: an alert is only ever folded into one of an earlier kind.</summary>
public enum AlertKind
{
    /// <summary>Database or broker cannot be reached, or a silo is lost.</summary>
    DependencyLost,

    /// <summary>So many of a site are silent at once that nobody of them is judged, or the detector cannot meet its bound.</summary>
    DetectorBlind,

    /// <summary>A writer of a lower epoch was seen, or the gateway reads back something else than was set.</summary>
    StaleWriter,

    /// <summary>Two copies went on from a shared position.</summary>
    CopiesDiverged,

    /// <summary>A run waits for a person.</summary>
    PersonAwaited,

    /// <summary>A step of a run takes much longer than it did before, or its phase is over its budget.</summary>
    StepSlow,

    /// <summary>A takeover on trial is not committed.</summary>
    TrialUncommitted,

    /// <summary>The other site cannot take a system over: not ready, or short of capacity.</summary>
    PeerNotReady,

    /// <summary>A system has no complete, followed copy.</summary>
    SystemUnprotected,

    /// <summary>A copy is nearly as old as its objective allows.</summary>
    RecoveryPointAge,

    /// <summary>Less history is kept than the policy promises.</summary>
    HistoryShort,

    /// <summary>A drill's clone or instance is still there.</summary>
    DrillNotCleaned,

    /// <summary>The last good drill of a small system is older than planned.</summary>
    DrillOverdue,

    /// <summary>The same of a large system, which is drilled weekly.</summary>
    LargeDrillOverdue,

    /// <summary>Automation is off or held.</summary>
    AutomationOff,

    /// <summary>An appliance's disk fills up.</summary>
    DiskFilling,

    /// <summary>A device's clock is off.</summary>
    ClockSkew,

    /// <summary>A certificate comes near its end and was not renewed.</summary>
    CertificateEnding,
}
