namespace Dr.Contracts.Grains;

/// <summary>
/// One run's journal, key = run id. Intent is written before acting and the result after, under the key (step, target): asked again, the stored result comes back.
/// </summary>
[Alias("dr.IRunGrain")]
public interface IRunGrain : IGrainWithStringKey
{
    [Alias("Open")]
    Task OpenAsync(RunHeader header);

    /// <summary>Writes the intent, or finds it written: the answer tells which attempt this is and the result when there is one already.</summary>
    [Alias("Begin")]
    Task<StepRecord> BeginAsync(StepIntent intent);

    /// <summary>Writes the result; the first final one stays.</summary>
    [Alias("End")]
    Task EndAsync(string step, string target, StepState state, string? detail, IReadOnlyDictionary<string, string> evidence);

    /// <summary>Adds a named fact to the run: predicted loss, proof of fencing, who approved.</summary>
    [Alias("Note")]
    Task NoteAsync(string name, string value);

    /// <summary>Running, waiting, on trial …; does nothing to a run that is closed.</summary>
    [Alias("SetState")]
    Task SetStateAsync(RunState state);

    [Alias("Close")]
    Task CloseAsync(RunState state, string reason);

    [Alias("Get")]
    Task<RunView?> GetAsync();
}

public enum RunKind
{
    /// <summary>Unplanned: may lose what had not arrived.</summary>
    Failover,

    /// <summary>Planned, loses nothing: to the other site.</summary>
    Move,

    /// <summary>Planned, loses nothing: back home.</summary>
    Failback,
    Drill,

    /// <summary>What was written on trial is given up for the old copy.</summary>
    RollBack,

    /// <summary>A run was given up: the site that served before serves again under a new epoch.</summary>
    Reinstate,
}

public enum RunState
{
    Running,

    /// <summary>Waits for a person.</summary>
    WaitingForApproval,
    OnTrial,

    /// <summary>Something is ambiguous or has run out of attempts; a person looks and chooses.</summary>
    NeedsOperator,
    Done,

    /// <summary>Ended before the point of no return.</summary>
    Stopped,
    Failed,
}

public enum StepState
{
    Intended,
    Done,
    Failed,
    Skipped,
}

[GenerateSerializer, Immutable, Alias("dr.RunHeader")]
public sealed record RunHeader
{
    [Id(0)] public required RunId Id { get; init; }

    [Id(1)] public required SystemId System { get; init; }

    [Id(2)] public required RunKind Kind { get; init; }

    [Id(3)] public required SiteId From { get; init; }

    [Id(4)] public required SiteId To { get; init; }

    /// <summary>The epoch when it began.</summary>
    [Id(5)] public required Epoch Epoch { get; init; }

    [Id(6)] public required string Actor { get; init; }

    [Id(7)] public required string Reason { get; init; }

    [Id(8)] public required DateTimeOffset StartedAt { get; init; }
}

[GenerateSerializer, Immutable, Alias("dr.StepIntent")]
public sealed record StepIntent
{
    [Id(0)] public required string Step { get; init; }

    /// <summary>The device or record acted on.</summary>
    [Id(1)] public required string Target { get; init; }

    /// <summary>One sentence.</summary>
    [Id(2)] public required string Intent { get; init; }

    [Id(3)] public Epoch Epoch { get; init; }

    [Id(4)] public int Attempt { get; init; } = 1;
}

[GenerateSerializer, Immutable, Alias("dr.StepRecord")]
public sealed record StepRecord
{
    [Id(0)] public required string Step { get; init; }

    [Id(1)] public required string Target { get; init; }

    [Id(2)] public required string Intent { get; init; }

    [Id(3)] public required StepState State { get; init; }

    [Id(4)] public int Attempt { get; init; } = 1;

    [Id(5)] public Epoch Epoch { get; init; }

    [Id(6)] public required DateTimeOffset StartedAt { get; init; }

    [Id(7)] public DateTimeOffset? FinishedAt { get; init; }

    [Id(8)] public string? Detail { get; init; }

    [Id(9)] public IReadOnlyDictionary<string, string> Evidence { get; init; } = new Dictionary<string, string>();

    /// <summary>Null while it runs.</summary>
    public double? Seconds => FinishedAt is { } end ? (end - StartedAt).TotalSeconds : null;
}

/// <summary>One run with its steps in order.</summary>
[GenerateSerializer, Immutable, Alias("dr.RunView")]
public sealed record RunView
{
    [Id(0)] public required RunId Id { get; init; }

    [Id(1)] public required SystemId System { get; init; }

    [Id(2)] public required RunKind Kind { get; init; }

    [Id(3)] public required RunState State { get; init; }

    [Id(4)] public required SiteId From { get; init; }

    [Id(5)] public required SiteId To { get; init; }

    [Id(6)] public required Epoch Epoch { get; init; }

    [Id(7)] public required string Actor { get; init; }

    [Id(8)] public required string Reason { get; init; }

    [Id(9)] public required DateTimeOffset StartedAt { get; init; }

    [Id(10)] public DateTimeOffset? FinishedAt { get; init; }

    [Id(11)] public string? Outcome { get; init; }

    [Id(12)] public IReadOnlyList<StepRecord> Steps { get; init; } = [];

    /// <summary>Named facts: <c>predictedLossSeconds</c>, <c>fencingProof</c>, <c>detectedAt</c>, <c>approvedBy</c> …</summary>
    [Id(13)] public IReadOnlyDictionary<string, string> Facts { get; init; } = new Dictionary<string, string>();
}
