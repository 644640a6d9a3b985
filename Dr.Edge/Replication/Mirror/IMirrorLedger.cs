using Dr.Edge.Volumes;

namespace Dr.Edge.Replication.Mirror;

/// <summary>Whoever may decide over a takeover and therefore has to know which mirrors are whole.</summary>
internal interface IMirrorLedger
{
    /// <summary>
    /// Returns when the ledger holds the record that the volume's status shows, or when there is no ledger to ask and the primary's own disk is all there is. May wait as long as
    /// it takes: writes wait with it.
    /// </summary>
    Task NoteAsync(Volume volume, string peer, long record, CancellationToken cancellationToken);

    /// <summary>A mirror's state has changed: told at once, not with the next beat.</summary>
    void Changed();
}

/// <summary>Without a control plane: the primary's own record is all there is.</summary>
internal sealed class NoLedger : IMirrorLedger
{
    public Task NoteAsync(Volume volume, string peer, long record, CancellationToken cancellationToken) => Task.CompletedTask;

    public void Changed()
    {
    }
}
