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

    public bool WritesWait => Phase is MirrorPhase.Joining or MirrorPhase.Recording or MirrorPhase.Whole or MirrorPhase.Late or MirrorPhase.Noting;

    /// <summary>What others are told. Never better than what the disk says, so that nobody is told of a mirror that a restart would not wait for.</summary>
    public MirrorState Said => Phase switch
    {
        MirrorPhase.Whole => MirrorState.Whole,
        MirrorPhase.Late when IsRecordedWhole => MirrorState.Whole,
        _ => Wanted ? MirrorState.OutOfDate : MirrorState.None,
    };

    /// <summary>As the disk had it at the start. What it says is whole is waited for from the first write on.</summary>
    public static MirrorModel Restore(MirrorState recorded, long record, bool wanted, LossPolicy onLoss, TimeSpan degradeAfter, TimeSpan now) => new()
    {
        Phase = recorded == MirrorState.Whole ? MirrorPhase.Late : wanted ? MirrorPhase.Following : MirrorPhase.Off,
        Record = record,
        Wanted = wanted,
        OnLoss = onLoss,
        DegradeAfter = degradeAfter,
        LateSince = now,
        IsRecordedWhole = recorded == MirrorState.Whole,
    };
}
