using Dr.Contracts.Grains;

namespace Dr.Silo.Decisions.Failover;

/// <summary>What one event did. Persist <see cref="Next"/>, the audit entry and the effects in one write, then act.</summary>
public sealed record Transition(SystemState Next, IReadOnlyList<SystemEffect> Effects, AuditEntry? Audit)
{
    /// <summary>False when the event did not apply: late, repeated, or refused (<see cref="FailoverMachine.Unmet"/> says why).</summary>
    public bool Applied => Audit is not null;
}

/// <summary>One line of the record that nothing is ever removed from.</summary>
[GenerateSerializer, Immutable, Alias("dr.AuditEntry")]
public sealed record AuditEntry
{
    [Id(0)] public required DateTimeOffset At { get; init; }

    [Id(1)] public required SystemId System { get; init; }

    [Id(2)] public required Phase From { get; init; }

    [Id(3)] public required Phase To { get; init; }

    [Id(4)] public required string Event { get; init; }

    [Id(5)] public required string Actor { get; init; }

    [Id(6)] public required Epoch Epoch { get; init; }

    [Id(7)] public RunId? Run { get; init; }

    /// <summary>The table row's name.</summary>
    [Id(8)] public required string Rule { get; init; }

    /// <summary>The event as it was, for the evidence.</summary>
    [Id(9)] public required string Evidence { get; init; }
}
