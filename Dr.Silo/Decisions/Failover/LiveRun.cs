using Dr.Contracts.Grains;
using Dr.Silo.Decisions.Detection;

namespace Dr.Silo.Decisions.Failover;

/// <summary>The one run a system may have at a time, with everything that was known when it decided.</summary>
[GenerateSerializer, Immutable, Alias("dr.LiveRun")]
public sealed record LiveRun
{
    [Id(0)] public required RunId Id { get; init; }

    [Id(1)] public required RunPurpose Kind { get; init; }

    [Id(2)] public required SiteId From { get; init; }

    [Id(3)] public required SiteId To { get; init; }

    /// <summary>The number the new owner gets. Fixed before anything acts; never used for another run.</summary>
    [Id(4)] public required Epoch Epoch { get; init; }

    [Id(5)] public required DateTimeOffset StartedAt { get; init; }

    [Id(6)] public required string StartedBy { get; init; }

    /// <summary>Started by the detector: needs evidence and, where policy says so, a person.</summary>
    [Id(7)] public bool Automatic { get; init; }

    [Id(8)] public string? Reason { get; init; }

    [Id(9)] public Verdict? Verdict { get; init; }

    [Id(10)] public Assessment? Assessment { get; init; }

    [Id(11)] public string? ApprovedBy { get; init; }

    [Id(12)] public TimeSpan? AcceptedLoss { get; init; }

    /// <summary>No lease is granted to the old owner from now on.</summary>
    [Id(13)] public bool LeasesStopped { get; init; }

    /// <summary>When the lapse of the lease becomes a proof; null without leases.</summary>
    [Id(14)] public DateTimeOffset? FenceBy { get; init; }

    [Id(15)] public FencingProof? Proof { get; init; }

    /// <summary>A claim is on its way to the ledger: aborting is no longer safe.</summary>
    [Id(16)] public bool ClaimSent { get; init; }

    /// <summary>The ledger has it: the point of no return.</summary>
    [Id(17)] public bool Claimed { get; init; }

    /// <summary>The step whose answer is awaited.</summary>
    [Id(18)] public StepKey? Pending { get; init; }

    [Id(19)] public int Attempt { get; init; }

    /// <summary>Final position and digest at the losing site of a planned move.</summary>
    [Id(20)] public StepEvidence? Final { get; init; }

    /// <summary>Where to go on when a person has helped.</summary>
    [Id(21)] public Phase? StoppedIn { get; init; }

    [Id(22)] public string? Trouble { get; init; }

    /// <summary>A drill that failed says why; it is cleaned up all the same.</summary>
    [Id(23)] public string? DrillFailure { get; init; }

    /// <summary>When the old owner was granted its last lease, as the lease clock has it.</summary>
    [Id(25)] public DateTimeOffset? LastGrantedAt { get; init; }

    /// <summary>Taking over by force: what people have stated so far.</summary>
    [Id(24)] public Attestation? Attestation { get; init; }
}
