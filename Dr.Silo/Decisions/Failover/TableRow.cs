using Dr.Contracts.Grains;

namespace Dr.Silo.Decisions.Failover;

/// <summary>A named condition; its name is what people read when it does not hold.</summary>
public sealed record Guard(string Name, Func<SystemState, SystemEvent, DateTimeOffset, bool> Holds);

/// <summary>A change of the state besides the phase. Runs before the effects are made.</summary>
public delegate SystemState Update(SystemState state, SystemEvent evt, DateTimeOffset now);

/// <summary>Makes one effect of the state after the update.</summary>
public sealed record EffectRule(string Name, ExecutorKind Executor, Func<SystemState, SystemEvent, DateTimeOffset, SystemEffect> Make);

/// <summary>
/// One row of the failover table. <see cref="To"/> null = the state decides: return to where it came from, or where a run stopped.
/// </summary>
public sealed record TableRow
{
    public required string Name { get; init; }

    public required Phase From { get; init; }

    public required Type On { get; init; }

    public IReadOnlyList<Guard> Guards { get; init; } = [];

    public Phase? To { get; init; }

    public required IReadOnlyList<Phase> Targets { get; init; }

    public required Func<SystemState, Phase> Resolve { get; init; }

    /// <summary>The budget of the phase goes on running instead of starting anew.</summary>
    public bool KeepDeadline { get; init; }

    public required Update Update { get; init; }

    public IReadOnlyList<EffectRule> Effects { get; init; } = [];
}
