namespace Dr.Contracts.Grains;

/// <summary>
/// Where a business system stands in its protection: who serves and what is being done about it. The step that runs and the conditions
/// (serving, protected, peer ready …) are separate things and are never inferred from the phase.
/// </summary>
public enum Phase
{
    /// <summary>No complete copy at the other site.</summary>
    Unprotected,

    /// <summary>The first copy, or one that has to start anew, is under way.</summary>
    Seeding,

    /// <summary>The home site serves and the other holds a complete, followed copy.</summary>
    Protected,

    /// <summary>The owner is silent beyond its promise; probes and witnesses are being asked.</summary>
    Suspect,

    /// <summary>The evidence is in; policy, predicted loss or a person decide.</summary>
    Deciding,

    /// <summary>No more leases; waiting for one proof that the old owner cannot write, then for the ownership record.</summary>
    Fencing,

    /// <summary>Past the point of no return: the copy becomes the primary.</summary>
    Promoting,
    Starting,
    Repointing,
    Verifying,

    /// <summary>The new site serves; the old copy is kept as it was until somebody commits or the timer does.</summary>
    OnTrial,

    /// <summary>The new site serves for good; nothing protects it yet.</summary>
    FailedOver,

    /// <summary>The differences go back to the site that failed.</summary>
    Reversing,

    /// <summary>The other site serves and the home site holds a complete, followed copy.</summary>
    FailbackReady,

    /// <summary>Planned: the application stops and the store proves that writes have stopped.</summary>
    Draining,

    /// <summary>Planned: last point and digest must be equal at both sites.</summary>
    FinalSync,

    /// <summary>Planned: ownership has moved; the destination is promoted, started, given the network and checked.</summary>
    SwitchingBack,

    DrillCloning,
    DrillStarting,
    DrillVerifying,
    DrillCleaning,

    /// <summary>Automation is off by a person's order; always with an end.</summary>
    Held,

    /// <summary>Something is ambiguous or has run out of attempts: a person looks at both views and chooses.</summary>
    NeedsOperator,

    /// <summary>Both copies went on from a shared position and the protocol could not settle it by itself.</summary>
    Diverged,
}
