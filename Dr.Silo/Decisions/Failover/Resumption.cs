namespace Dr.Silo.Decisions.Failover;

/// <summary>What a control plane that begins anew has to catch up with, from its stored state and the ledger's row. Pure.</summary>
public static class Resumption
{
    /// <summary>The ledger moved on: by our own claim whose answer was lost, or by somebody else's. Null = it says what the state says.</summary>
    public static SystemEvent? EventOf(SystemState state, LedgerEntry entry)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(entry);
        return entry.Owner == state.Owner ? null
            : state.Run is { ClaimSent: true } run && entry.Owner == new Ownership(run.Epoch, run.To) ? new SystemEvent.OwnershipClaimed(run.Id, entry.Owner)
            : new SystemEvent.OwnershipMoved(entry.Owner);
    }

    /// <summary>In mid-fencing the lease clock begins anew: nobody knows when the activation before this one granted last.</summary>
    public static SystemEffect? EffectOf(SystemState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        return state.Run is { LeasesStopped: true, Claimed: false } stopped ? new SystemEffect.StopLeases(stopped.Id, state.Owner.Epoch) : null;
    }
}
