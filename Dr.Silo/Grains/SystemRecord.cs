using Dr.Silo.Decisions.Failover;

namespace Dr.Silo.Grains;

/// <summary>
/// What a business system's grain keeps over restarts, written in one piece: where the machine stands, what it still owes (effects), and what has to be told
/// (audit, journal, events). So a crash between deciding and acting loses neither.
/// </summary>
[GenerateSerializer, Alias("dr.SystemRecord")]
public sealed record SystemRecord
{
    [Id(0)] public SystemSettings? Settings { get; init; }

    [Id(1)] public SystemState? Machine { get; init; }

    /// <summary>Effects that have not been handed over; each is idempotent, so one that was and is still here is harmless.</summary>
    [Id(2)] public IReadOnlyList<SystemEffect> Effects { get; init; } = [];

    [Id(3)] public IReadOnlyList<OutboxNote> Notes { get; init; } = [];

    /// <summary>Counts transitions: gives every note its key.</summary>
    [Id(4)] public long Transitions { get; init; }

    /// <summary>The system was seen running under this epoch, so that standing still is a fault and not a beginning.</summary>
    [Id(5)] public Epoch ServedEpoch { get; init; }

    /// <summary>The final point at the losing site of a planned move: what the other side's digest is asked for.</summary>
    [Id(6)] public PointId? FinalPoint { get; init; }

    /// <summary>From suspicion to serving, the last time.</summary>
    [Id(7)] public double? LastTakeoverSeconds { get; init; }

    /// <summary>When the last suspicion began.</summary>
    [Id(8)] public DateTimeOffset? SuspectedAt { get; init; }
}

public enum NoteKind
{
    Audit,
    Event,
    RunOpened,
    RunFact,
    RunState,
    RunClosed,
}

/// <summary>Something to be written elsewhere after the state; safe to write twice.</summary>
[GenerateSerializer, Immutable, Alias("dr.OutboxNote")]
public sealed record OutboxNote
{
    [Id(0)] public required NoteKind Kind { get; init; }

    [Id(1)] public required string Key { get; init; }

    [Id(2)] public AuditRecord? Audit { get; init; }

    [Id(3)] public EventRecord? Event { get; init; }

    [Id(4)] public RunId? Run { get; init; }

    [Id(5)] public RunHeader? Header { get; init; }

    [Id(6)] public string? Name { get; init; }

    [Id(7)] public string? Text { get; init; }

    [Id(8)] public RunState? State { get; init; }
}
