using Dr.Contracts.Grains;

namespace Dr.Silo.Decisions.Detection;

/// <summary>What one witness says about the suspect. Evidence, never a vote.</summary>
/// <param name="Path">The line by which it looks: two witnesses behind one broken line are one, and so are all devices of one of the two sites.</param>
/// <param name="InsideSite">It stands in the suspect's own site.</param>
public sealed record WitnessReport(DeviceId Witness, SiteId Site, string Path, bool InsideSite, bool Reachable, bool TransactionFailed, DateTimeOffset At);

/// <summary>Everything the classifier weighs about one suspected owner.</summary>
public sealed record SuspicionFacts
{
    public required DeviceId Suspect { get; init; }

    public required DateTimeOffset Now { get; init; }

    /// <summary>Its beats are overdue.</summary>
    public required bool Silent { get; init; }

    /// <summary>Whether it is silent is known. A control plane that has just started has heard nobody yet, and nobody's silence means anything.</summary>
    public bool PresenceKnown { get; init; } = true;

    /// <summary>The broker published its will.</summary>
    public bool Will { get; init; }

    /// <summary>
    /// From this moment on the owner surely serves nobody unless we grant it a new lease: the last one has run out by every clock, and nobody else can extend it. Null = it may serve without us. It is the moment at
    /// which the lapse of the lease proves that the old owner cannot write (<see cref="Failover.LeaseClock.FencingWait"/>).
    /// </summary>
    public DateTimeOffset? GateShutAt { get; init; }

    /// <summary>The other site's copy is heard, followed the owner until about when we lost it, and has had nothing from it since, not even that there is nothing to send: a word by another line than ours.</summary>
    public bool CopyHearsNothing { get; init; }

    /// <summary>Our probes: how many were sent and answered.</summary>
    public int ProbesSent { get; init; }

    public int ProbesAnswered { get; init; }

    /// <summary>A probe was answered and its transaction failed.</summary>
    public bool ProbeTransactionFailed { get; init; }

    /// <summary>The host itself says that the system does not work.</summary>
    public bool OwnReportFailed { get; init; }

    /// <summary>The site's own devices report that they cannot get out on the line that its users come in by.</summary>
    public bool SiteReportsAccessLost { get; init; }

    public IReadOnlyList<WitnessReport> Witnesses { get; init; } = [];

    /// <summary>Other devices of the suspect's site, and how many of them are silent too.</summary>
    public int SiteDevices { get; init; }

    public int SiteDevicesSilent { get; init; }

    /// <summary>We had trouble of our own while asking: late ticks, or no broker.</summary>
    public bool ObserverTroubled { get; init; }

    /// <summary>What explains many silences at once; null when there are not many.</summary>
    public SharedCauseView? Shared { get; init; }
}
