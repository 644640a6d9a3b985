namespace Dr.Edge.Replication;

/// <summary>One copy of a volume elsewhere, as it is kept in the volume's directory.</summary>
internal sealed record CopySettings
{
    /// <summary>Longer than a reconnection over a line with losses takes, shorter than clients wait before they report an error.</summary>
    public static readonly TimeSpan DefaultDegradeAfter = TimeSpan.FromSeconds(5);

    /// <summary><c>host:port</c> of the peer's replication listener.</summary>
    public required string Peer { get; init; }

    public required CopyMode Mode { get; init; }

    /// <summary>Null = as fast as the line.</summary>
    public double? BandwidthMbps { get; init; }

    /// <summary>The class whose rate it has to keep to beside that; null = none.</summary>
    public string? BandwidthClass { get; init; }

    /// <summary>How files of before said <see cref="MirrorState.Whole"/>; only read.</summary>
    public bool Engaged { get; init; }

    /// <summary>What becomes of writes when a synchronous copy is lost.</summary>
    public LossPolicy OnLoss { get; init; }

    /// <summary>How long writes wait before they go on without it; with <see cref="LossPolicy.Degrade"/> only.</summary>
    public TimeSpan DegradeAfter { get; init; } = DefaultDegradeAfter;

    /// <summary>What a write's answer waits for while the copy is a mirror.</summary>
    public MirrorAck Ack { get; init; }

    /// <summary>Whether a synchronous copy is recorded as whole: then writes wait for it, also after a restart of this side. See <see cref="RecordedMirror"/>.</summary>
    public MirrorState Mirror { get; init; }

    /// <summary>Number of that record; grows.</summary>
    public long MirrorRecord { get; init; }

    /// <summary>Recorded as out of date because it lost something that it had confirmed: writes wait all the same, also after a restart of this side.</summary>
    public bool MirrorLacks { get; init; }

    public DateTimeOffset? OutOfDateSince { get; init; }

    /// <summary>What the peer had on its disk when this was last noted: history from here on is kept for it after a restart.</summary>
    public long Acknowledged { get; init; }

    /// <summary>Where the newest point that both held lies; null while there is none.</summary>
    public long? CommonSequence { get; init; }

    /// <summary>How much log is kept for the copy while it is away; null = <see cref="Holds.HoldPlan.DefaultBudget"/>.</summary>
    public long? HoldBudgetBytes { get; init; }

    /// <summary>What was given up, oldest first.</summary>
    public IReadOnlyList<CopyGap> Gaps { get; init; } = [];

    [System.Text.Json.Serialization.JsonIgnore]
    public MirrorState RecordedMirror => Engaged && Mode == CopyMode.Sync ? MirrorState.Whole : Mirror;

    /// <summary>Points that both sides list and that differ.</summary>
    public IReadOnlyList<PointId> Distrusted { get; init; } = [];

    /// <summary>Where the peer stood when what it held turned out not to be ours; null when not, or since a whole content was proven.</summary>
    public long? DiffersAt { get; init; }
}
