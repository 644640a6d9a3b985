namespace Dr.Contracts.Grains;

/// <summary>A request to start a run.</summary>
[GenerateSerializer, Immutable, Alias("dr.StartRun")]
public sealed record StartRun
{
    [Id(0)] public required RunKind Kind { get; init; }

    [Id(1)] public required string Actor { get; init; }

    [Id(2)] public required string Reason { get; init; }

    /// <summary>The epoch the caller saw; null = not checked.</summary>
    [Id(3)] public Epoch? SeenEpoch { get; init; }

    /// <summary>The same key again gives the same run.</summary>
    [Id(4)] public string? IdempotencyKey { get; init; }
}

public enum RunVerb
{
    Approve,
    Stop,
    Commit,

    /// <summary>Give up what was written on trial and return to the old copy: a new run.</summary>
    RollBack,

    /// <summary>Do not take over; automation is held until <see cref="RunDecision.Until"/>.</summary>
    Decline,

    /// <summary>Try the step that ran out of attempts again.</summary>
    Retry,

    /// <summary>State that the old owner is off; two different people have to.</summary>
    Attest,
}

/// <summary>What a person orders about a system outside a run.</summary>
public enum SystemVerb
{
    /// <summary>No automatic takeover until <see cref="SystemOrder.Until"/>.</summary>
    Hold,

    /// <summary>End a hold before its time.</summary>
    Release,

    /// <summary>Take over by force: starts the run with the first person's statement, and acts with the second one's.</summary>
    Force,

    /// <summary>The copy that does not hold the current epoch gives way; what only it has is kept as a clone.</summary>
    ResolveDivergence,

    /// <summary>Believe the ownership record where it moved without this control plane, and go on from what it says.</summary>
    AcceptLedger,
}

[GenerateSerializer, Immutable, Alias("dr.OrderToSystem")]
public sealed record SystemOrder
{
    [Id(0)] public required SystemVerb Verb { get; init; }

    [Id(1)] public required string Actor { get; init; }

    /// <summary>Why; for <see cref="SystemVerb.Force"/> also what was seen, unless <see cref="Statement"/> says it.</summary>
    [Id(2)] public required string Reason { get; init; }

    /// <summary>The end that a hold must have.</summary>
    [Id(3)] public DateTimeOffset? Until { get; init; }

    /// <summary>What the actor attests: the old owner is off, and how that is known.</summary>
    [Id(4)] public string? Statement { get; init; }

    /// <summary>The epoch that the actor saw.</summary>
    [Id(5)] public Epoch? SeenEpoch { get; init; }

    [Id(6)] public string? IdempotencyKey { get; init; }
}

/// <summary>A person's decision about a live run.</summary>
[GenerateSerializer, Immutable, Alias("dr.RunDecision")]
public sealed record RunDecision
{
    [Id(0)] public required RunId Run { get; init; }

    [Id(1)] public required RunVerb Verb { get; init; }

    [Id(2)] public required string Actor { get; init; }

    /// <summary>Why; for <see cref="RunVerb.Attest"/> the statement.</summary>
    [Id(3)] public string? Reason { get; init; }

    /// <summary>For <see cref="RunVerb.Decline"/>: how long automation is held.</summary>
    [Id(4)] public DateTimeOffset? Until { get; init; }
}

public enum RunAnswer
{
    Accepted,

    /// <summary>No such system or run.</summary>
    Unknown,

    /// <summary>Another run is live; <see cref="RunOutcome.Run"/> names it.</summary>
    OtherRunLive,

    /// <summary>The epoch that the caller saw is not the ledger's.</summary>
    EpochMoved,

    /// <summary>What must hold does not; <see cref="RunOutcome.UnmetGuards"/> lists it.</summary>
    GuardsUnmet,

    /// <summary>The verb does not apply to the state that the run is in.</summary>
    NotNow,
}

[GenerateSerializer, Immutable, Alias("dr.RunOutcome")]
public sealed record RunOutcome
{
    [Id(0)] public required RunAnswer Answer { get; init; }

    [Id(1)] public RunId? Run { get; init; }

    /// <summary>One sentence.</summary>
    [Id(2)] public required string Message { get; init; }

    [Id(3)] public IReadOnlyList<string> UnmetGuards { get; init; } = [];

    [Id(4)] public Epoch Epoch { get; init; }
}
