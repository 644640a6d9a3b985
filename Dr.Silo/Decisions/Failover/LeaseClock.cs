namespace Dr.Silo.Decisions.Failover;

/// <summary>
/// When a lease has surely run out at its holder. The holder counts from the moment it sent the request, by a clock that may run slow by
/// <see cref="DriftRho"/>; the control plane counts from when it granted, which is later. So the holder always stops first.
/// </summary>
public static class LeaseClock
{
    /// <summary>Long enough for one lost beat at the busy period of a critical system, short enough for a takeover within a minute.</summary>
    public static readonly TimeSpan DefaultTtl = TimeSpan.FromSeconds(6);

    /// <summary>A write that passed the gate just before it shut is on its way to the disk for at most this long.</summary>
    public static readonly TimeSpan GateTime = TimeSpan.FromSeconds(2);

    /// <summary>Scheduling and timer granularity on our own side.</summary>
    public static readonly TimeSpan Epsilon = TimeSpan.FromMilliseconds(250);

    /// <summary>Two clocks on ordinary hardware drift apart far less than 1 in 100.</summary>
    public const double DriftRho = 0.01;

    /// <summary>How long after the last grant nobody can write under it any more.</summary>
    public static TimeSpan FencingWait(TimeSpan ttl) => (ttl * (1 + DriftRho)) + GateTime + Epsilon;

    /// <summary>The first moment at which the lapse of the lease is a proof. Without a known last grant, one granted right now is assumed.</summary>
    public static DateTimeOffset FencedAt(DateTimeOffset? lastGranted, TimeSpan ttl, DateTimeOffset now)
    {
        var from = lastGranted is { } at && at < now ? at : now;
        return from + FencingWait(ttl);
    }

    /// <summary>The same for a system: what was granted under former rules has to have run out, too.</summary>
    public static DateTimeOffset FencedAt(SystemState state, DateTimeOffset? lastGranted, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(state);
        var at = FencedAt(lastGranted, state.Rules.LeaseTtl ?? DefaultTtl, now);
        return state.FormerLeaseEnds is { } former && former > at ? former : at;
    }

    /// <summary>The last moment, by our clock, at which the holder of a lease granted at <paramref name="lastGranted"/> answers a client: its own clock may be the slower one.</summary>
    public static DateTimeOffset LastAnswerBy(DateTimeOffset lastGranted, TimeSpan ttl) => lastGranted + (ttl * (1 + DriftRho));

    /// <summary>The holder's own deadline, on its own clock.</summary>
    public static DateTimeOffset HolderStopsAt(DateTimeOffset requestSentAt, TimeSpan ttl) => requestSentAt + ttl;

    /// <summary>True when the control plane may extend the lease of <paramref name="site"/> at <paramref name="epoch"/>.</summary>
    public static bool MayGrant(SystemState state, SiteId site, Epoch epoch)
    {
        ArgumentNullException.ThrowIfNull(state);
        return state.Owner.Site == site && state.Owner.Epoch == epoch && state.Run is not { LeasesStopped: true };
    }

    /// <summary>The second half of the answer: the ledger's row, read after the last grant was noted, names the same owner, is not being fenced, and names us as the one who grants.</summary>
    public static bool MayGrant(SystemState state, LedgerEntry? entry, string granter, Epoch asked)
    {
        ArgumentNullException.ThrowIfNull(state);
        return entry is { Fencing: false } && entry.Granter == granter && entry.Owner == state.Owner && asked == entry.Owner.Epoch;
    }
}
