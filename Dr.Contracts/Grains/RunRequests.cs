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
}

/// <summary>A person's decision about a live run.</summary>
[GenerateSerializer, Immutable, Alias("dr.RunDecision")]
public sealed record RunDecision
{
    [Id(0)] public required RunId Run { get; init; }

    [Id(1)] public required RunVerb Verb { get; init; }

    [Id(2)] public required string Actor { get; init; }

    [Id(3)] public string? Reason { get; init; }
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
