namespace Dr.Edge.Replication.Mirror;

/// <summary>All that is known about one mirror on the primary's side.</summary>
internal sealed record MirrorModel
{
    public required MirrorPhase Phase { get; init; }

    /// <summary>Number of the newest record, written or on its way. Only grows, over restarts too.</summary>
    public required long Record { get; init; }

    /// <summary>False after a change to another mode.</summary>
    public bool Wanted { get; init; }

    public LossPolicy OnLoss { get; init; }

    public TimeSpan DegradeAfter { get; init; }

    /// <summary>In <see cref="MirrorPhase.Late"/>: since when.</summary>
    public TimeSpan LateSince { get; init; }

    /// <summary>In <see cref="MirrorPhase.Joining"/>: whole from this position on; null until writes wait.</summary>
    public SequenceNumber? JoinAt { get; init; }

    /// <summary>The disk says that the mirror is whole: a restart lets writes wait.</summary>
    public bool IsRecordedWhole { get; init; }

    /// <summary>It turned out not to have what it had confirmed: writes wait for it as for one that is out of reach, and it is out of date for everybody until it has everything again.</summary>
    public bool Lacks { get; init; }

    /// <summary>Of <see cref="Lacks"/>: everybody who may decide over a takeover, and this side's disk, have it.</summary>
    public bool IsLackNoted { get; init; }

    /// <summary>Nobody takes the mirror for better than <see cref="Said"/>: what is still on it may be taken off.</summary>
    public bool IsNoted => Phase != MirrorPhase.Noting && (!Lacks || IsLackNoted);

    public bool WritesWait => Phase is MirrorPhase.Joining or MirrorPhase.Recording or MirrorPhase.Whole or MirrorPhase.Late or MirrorPhase.Noting;

    /// <summary>What others are told. Never better than what the disk says, so that nobody is told of a mirror that a restart would not wait for.</summary>
    public MirrorState Said => Phase switch
    {
        MirrorPhase.Whole => MirrorState.Whole,
        MirrorPhase.Late when IsRecordedWhole => MirrorState.Whole,
        _ => Wanted ? MirrorState.OutOfDate : MirrorState.None,
    };

    /// <summary>As the disk had it at the start. What it says is whole is waited for from the first write on, and so is one that lacks something.</summary>
    public static MirrorModel Restore(MirrorState recorded, long record, bool wanted, LossPolicy onLoss, TimeSpan degradeAfter, TimeSpan now, bool lacks = false) => new()
    {
        Phase = recorded == MirrorState.Whole || lacks ? MirrorPhase.Late : wanted ? MirrorPhase.Following : MirrorPhase.Off,
        Record = record,
        Wanted = wanted,
        OnLoss = onLoss,
        DegradeAfter = degradeAfter,
        LateSince = now,
        IsRecordedWhole = recorded == MirrorState.Whole,
        Lacks = lacks,
        IsLackNoted = lacks,
    };
}
