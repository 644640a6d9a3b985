using Dr.Contracts.Errors;
using Dr.Contracts.Grains;

namespace Dr.Silo.Decisions.Failover;

/// <summary>
/// Runs <see cref="FailoverTable"/>. Pure: the same state, event and time give the same transition. The caller persists the result in one write and only
/// then carries the effects out.
/// </summary>
public static class FailoverMachine
{
    private static readonly TableIndex Table = new(FailoverTable.Rows);

    /// <summary>Applies one event. An event that no row takes leaves the state as it is and has no effects: that is what makes repeating safe.</summary>
    public static Transition Apply(SystemState state, SystemEvent evt, DateTimeOffset now) => Apply(Table, state, evt, now);

    /// <summary>The same over a table that may be broken: how the tests prove that they would find it out.</summary>
    internal static Transition Apply(TableIndex table, SystemState state, SystemEvent evt, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(evt);
        if (Array.Find(table.Of(state.Phase, evt), row => row.Guards.All(guard => guard.Holds(state, evt, now))) is not { } row)
        {
            return new Transition(state, [], null);
        }

        var to = row.Resolve(state);
        Invariant.Require(row.Targets.Contains(to), $"row '{row.Name}' leads from {row.From} to {to}, which the table does not say.");
        var updated = row.Update(state, evt, now) with { Phase = to };
        var next = updated with
        {
            Since = to == state.Phase ? state.Since : now,
            Deadline = row.KeepDeadline ? state.Deadline : DeadlineOf(updated, now),
        };

        // Checked here as well as in the tests: a promotion without a proof or a falling epoch must never leave this function.
        Invariant.Require(next.Owner.Epoch >= state.Owner.Epoch, "the ownership epoch fell.");
        Invariant.Require(next.Run is not { Claimed: true, Proof: null }, "a run claimed ownership without a proof.");

        var effects = row.Effects.Select(rule => rule.Make(next, evt, now)).ToArray();
        var audit = new AuditEntry
        {
            At = now,
            System = state.System,
            From = state.Phase,
            To = to,
            Event = evt.Name,
            Actor = evt.Actor,
            Epoch = next.Owner.Epoch,
            Run = next.Run?.Id ?? state.Run?.Id,
            Rule = row.Name,
            Evidence = evt.ToString(),
        };
        return new Transition(next, effects, audit);
    }

    /// <summary>Why an event would not apply right now: the guards that fail, of the row that comes nearest. Empty = it would apply.</summary>
    public static IReadOnlyList<string> Unmet(SystemState state, SystemEvent evt, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(evt);
        if (Table.Of(state.Phase, evt) is not { Length: > 0 } rows)
        {
            return [$"{evt.Name} has no meaning while the system is {state.Phase}."];
        }

        return rows
            .Select(row => row.Guards.Where(guard => !guard.Holds(state, evt, now)).Select(guard => guard.Name).ToArray())
            .MinBy(unmet => unmet.Length)!;
    }

    /// <summary>What stands between the live run and acting, in words.</summary>
    public static IReadOnlyList<string> WaitsFor(SystemState state, DateTimeOffset now) =>
        state is { Phase: Phase.Deciding } ? Guards.Unmet(state, new SystemEvent.TimePassed(), now) : [];

    private static DateTimeOffset DeadlineOf(SystemState state, DateTimeOffset now) => state switch
    {
        { Phase: Phase.OnTrial } => now + state.Rules.Trial,
        { Phase: Phase.Held, HoldUntil: { } until } => until,
        _ => now + Budgets.Of(state.Phase),
    };
}
