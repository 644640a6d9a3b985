namespace Dr.Edge.Replication.Mirror;

/// <summary>What happens to a mirror.</summary>
internal abstract record MirrorEvent
{
    private MirrorEvent()
    {
    }

    /// <summary>Mode or options were given (again).</summary>
    public sealed record Configured(bool Wanted, LossPolicy OnLoss, TimeSpan DegradeAfter) : MirrorEvent;

    /// <summary>All that is appended has been sent.</summary>
    public sealed record CaughtUp : MirrorEvent;

    /// <summary>Writes wait since a moment ago; what passed before has at most this position.</summary>
    public sealed record Engaged(SequenceNumber At) : MirrorEvent;

    /// <summary>The peer has this on its disk.</summary>
    public sealed record Acknowledged(SequenceNumber Durable) : MirrorEvent;

    /// <summary>The connection to the peer ended.</summary>
    public sealed record Lost(TimeSpan Now) : MirrorEvent;

    /// <summary>The peer turned out not to have, as we wrote it, something that it had confirmed.</summary>
    public sealed record Lacking(TimeSpan Now) : MirrorEvent;

    /// <summary>Time passes. <paramref name="Stalled"/>: for how long a write has been waiting without the peer getting on.</summary>
    public sealed record Tick(TimeSpan Now, TimeSpan Stalled) : MirrorEvent;

    /// <summary>The record of this number is where it has to be.</summary>
    public sealed record Recorded(long Record) : MirrorEvent;

    /// <summary>This side is no longer primary.</summary>
    public sealed record RoleLost : MirrorEvent;
}

/// <summary>What is to be done about it, in order.</summary>
internal abstract record MirrorEffect
{
    private MirrorEffect()
    {
    }

    /// <summary>Let writes wait for the peer, then answer with <see cref="MirrorEvent.Engaged"/>.</summary>
    public sealed record Engage : MirrorEffect;

    /// <summary>Let writes that wait, and all later ones, go without the peer.</summary>
    public sealed record Disengage : MirrorEffect;

    /// <summary>Write the record on this side's disk, then answer with <see cref="MirrorEvent.Recorded"/>.</summary>
    public sealed record Save(long Record, MirrorState State) : MirrorEffect;

    /// <summary>Have everybody who may decide over a takeover record it, then this side's disk, then answer with <see cref="MirrorEvent.Recorded"/>.</summary>
    /// <param name="Lacks">Writes go on waiting for the peer, also after a restart.</param>
    public sealed record Note(long Record, MirrorState State, bool Lacks = false) : MirrorEffect;
}
