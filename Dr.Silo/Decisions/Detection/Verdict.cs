namespace Dr.Silo.Decisions.Detection;

/// <summary>What has failed, from the smallest to the largest.</summary>
public enum FaultScope
{
    /// <summary>Nothing has: the silence was ours.</summary>
    None,

    /// <summary>Reached, but its transactions fail.</summary>
    Application,

    /// <summary>One device.</summary>
    Device,

    /// <summary>The way to one branch.</summary>
    Branch,

    /// <summary>The site works, but users outside it cannot get in.</summary>
    Access,

    /// <summary>The line between us and the site; its own clients still reach it.</summary>
    Line,

    /// <summary>The whole site.</summary>
    Site,

    /// <summary>Not enough evidence.</summary>
    Unclear,

    /// <summary>Nobody could look: we had trouble of our own, or have not listened for long enough to know who is silent. It says nothing, and least of all that nothing has failed.</summary>
    Unjudged,
}

/// <summary>Ways of knowing that something has failed.</summary>
[Flags]
public enum EvidenceKinds
{
    None = 0,
    MissedBeats = 1,
    FailedProbes = 2,
    Witnesses = 4,
    OwnReport = 8,
    Will = 16,
    LocalRepairExhausted = 32,
}

/// <summary>The classifier's finding about a suspected owner, with the sentences that a person will read.</summary>
[GenerateSerializer, Immutable, Alias("dr.Verdict")]
public sealed record Verdict
{
    [Id(0)] public required FaultScope Scope { get; init; }

    /// <summary>What the finding rests on. A full takeover needs two.</summary>
    [Id(1)] public EvidenceKinds Evidence { get; init; }

    [Id(2)] public IReadOnlyList<string> Reasons { get; init; } = [];

    /// <summary>When it was found. Default (of a run that an older version began): long ago.</summary>
    [Id(3)] public DateTimeOffset At { get; init; }

    /// <summary>The owner cannot serve its users where it is.</summary>
    public bool OwnerIsLost => Scope is FaultScope.Device or FaultScope.Site;

    /// <summary>
    /// Missed beats, failed probes and a will all travel the same path from the suspect to us: together they are one kind. Witnesses on other paths, the
    /// owner's own report and an exhausted local repair are one each.
    /// </summary>
    public int IndependentKinds =>
        (Has(EvidenceKinds.MissedBeats | EvidenceKinds.FailedProbes | EvidenceKinds.Will) ? 1 : 0)
        + (Has(EvidenceKinds.Witnesses) ? 1 : 0)
        + (Has(EvidenceKinds.OwnReport) ? 1 : 0)
        + (Has(EvidenceKinds.LocalRepairExhausted) ? 1 : 0);

    public override string ToString() => $"{Scope} by {IndependentKinds} independent kinds ({Evidence}): {string.Join(' ', Reasons)}";

    private bool Has(EvidenceKinds any) => (Evidence & any) != EvidenceKinds.None;
}
