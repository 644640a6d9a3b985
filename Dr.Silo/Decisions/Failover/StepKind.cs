namespace Dr.Silo.Decisions.Failover;

/// <summary>Everything a run can ask for. Each is one effect with one executor, idempotent by its <see cref="StepKey"/> and attempt.</summary>
public enum StepKind
{
    /// <summary>Stop the components at the losing site and prove it.</summary>
    StopSystem,

    /// <summary>Shut the write gate at the losing site for good; answers with the last sequence and the final point's digest.</summary>
    DemoteCopy,

    /// <summary>A device at the surviving site switches the old owner off and reads back that it is.</summary>
    FenceOwner = 14, // Stored states hold the numbers: what came later has a number of its own at the end.

    /// <summary>Compare-and-swap of the ownership record: the point of no return.</summary>
    ClaimOwnership = 2,
    PromoteCopy,
    StartSystem,
    ApplyNetwork,
    CheckSystem,

    /// <summary>Replicate from the owner to the other site from now on.</summary>
    StartCopy,

    /// <summary>Wait until the destination durably holds everything.</summary>
    SyncCopy,

    /// <summary>Digest of the final point at the destination.</summary>
    DigestCopy,
    CloneForDrill,
    StartDrill,
    CheckDrill,
    CleanDrill,
}

/// <summary>Identity of a step: asking a second time returns the stored result.</summary>
[GenerateSerializer, Immutable, Alias("dr.StepKey")]
public sealed record StepKey([property: Id(0)] RunId Run, [property: Id(1)] StepKind Step, [property: Id(2)] SiteId Target)
{
    public override string ToString() => $"{Run}/{Step}@{Target}";
}
