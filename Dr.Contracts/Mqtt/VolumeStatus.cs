namespace Dr.Contracts.Mqtt;

/// <summary>What a copy of a volume may do.</summary>
public enum VolumeRole
{
    /// <summary>Follows another copy; never writable by clients.</summary>
    Replica,

    /// <summary>Writable while its gate is open.</summary>
    Primary,

    /// <summary>Was primary and has been told to stop: nothing may write, until it follows a new primary or is promoted again.</summary>
    Demoted,
}

public enum CopyMode
{
    Stream,
    Sync,
    Delta,
}

public enum CopyState
{
    Connecting,
    Seeding,
    CatchingUp,
    Current,
    Paused,
    Diverged,
    Failed,
}

/// <summary>How much a point can be trusted to be one moment of the application.</summary>
public enum PointConsistency
{
    Crash,
    Application,
}

/// <summary>A point as people and the control plane see it.</summary>
[GenerateSerializer, Immutable, Alias("dr.PointInfo")]
public sealed record PointInfo
{
    [Id(0)] public required PointId Id { get; init; }

    [Id(1)] public required DateTimeOffset At { get; init; }

    [Id(2)] public required SequenceNumber Sequence { get; init; }

    [Id(3)] public string? Label { get; init; }

    [Id(4)] public PointConsistency Consistency { get; init; }

    /// <summary>Why a point that should have been application-consistent is not; or what quiesced it.</summary>
    [Id(5)] public string? Reason { get; init; }
}

/// <summary>One copy of a volume on one appliance, as that appliance reports it.</summary>
[GenerateSerializer, Immutable, Alias("dr.VolumeStatus")]
public sealed record VolumeStatus
{
    [Id(0)] public required VolumeId Volume { get; init; }

    [Id(1)] public required string Name { get; init; }

    [Id(2)] public required long SizeBytes { get; init; }

    [Id(3)] public required VolumeRole Role { get; init; }

    [Id(4)] public required Epoch Epoch { get; init; }

    [Id(5)] public required Generation Generation { get; init; }

    /// <summary>Last write appended here.</summary>
    [Id(6)] public required SequenceNumber Appended { get; init; }

    /// <summary>Last write on stable storage here.</summary>
    [Id(7)] public required SequenceNumber Durable { get; init; }

    /// <summary>True when a client write would be accepted right now (primary, epoch current, lease not lapsed, no failure).</summary>
    [Id(8)] public required bool Writable { get; init; }

    /// <summary>On a replica: the content equals the source's at this time or later. On a primary: now.</summary>
    [Id(9)] public DateTimeOffset? CurrentAsOf { get; init; }

    [Id(10)] public PointInfo? NewestPoint { get; init; }

    [Id(11)] public int PointCount { get; init; }

    /// <summary>On a primary: its copies elsewhere.</summary>
    [Id(12)] public IReadOnlyList<CopyStatus> Copies { get; init; } = [];

    /// <summary>Why the volume refuses work; null when it does not.</summary>
    [Id(13)] public string? Fault { get; init; }

    [Id(14)] public long AllocatedBytes { get; init; }

    /// <summary>How much space the disk that this copy is on has left.</summary>
    [Id(15)] public SpaceLevel Space { get; init; }

    /// <summary>Since when this volume exists here; null from appliances that do not say.</summary>
    [Id(16)] public DateTimeOffset? CreatedAt { get; init; }

    /// <summary>The oldest moment that can still be opened here; null from appliances that do not say.</summary>
    [Id(17)] public DateTimeOffset? HistoryBegins { get; init; }

    /// <summary>How far back the policy in force here wants history to reach; null when it wants none, or from appliances that do not say.</summary>
    [Id(18)] public double? HistorySeconds { get; init; }

    /// <summary>The policy in force here, in the words in which an <see cref="ApplyVolumePolicy"/> is answered; null from appliances that do not say.</summary>
    [Id(19)] public string? Policy { get; init; }

    /// <summary>On a replica: it ends with a write that is not its owner's, though both call it by the same number. Its positions say nothing before it has gone back, which it does by itself. False from appliances that do not say.</summary>
    [Id(20)] public bool Differs { get; init; }

    /// <summary>On a replica: what it knows of itself as the other half of a mirror, at this epoch. Null when nobody told it, and from appliances that do not say.</summary>
    [Id(21)] public MirrorState? Mirror { get; init; }
}

/// <summary>One copy as its primary sees it.</summary>
[GenerateSerializer, Immutable, Alias("dr.CopyStatus")]
public sealed record CopyStatus
{
    /// <summary><c>host:port</c> of the peer's replication listener.</summary>
    [Id(0)] public required string Peer { get; init; }

    [Id(1)] public required CopyMode Mode { get; init; }

    [Id(2)] public required CopyState State { get; init; }

    [Id(3)] public SequenceNumber Received { get; init; }

    [Id(4)] public SequenceNumber Durable { get; init; }

    [Id(5)] public long LagBytes { get; init; }

    /// <summary>Age of the newest state that the copy has on its disk; 0 when that is all there is, -1 when it is not known.</summary>
    [Id(6)] public double LagSeconds { get; init; }

    [Id(7)] public PointId? LastCommonPoint { get; init; }

    /// <summary>Bytes on the wire since this side's start.</summary>
    [Id(8)] public long WireBytes { get; init; }

    /// <summary>What they were for: the 512-byte units that differ in a delta, the written blocks in a stream.</summary>
    [Id(9)] public long ChangedBytes { get; init; }

    [Id(10)] public string? Detail { get; init; }

    /// <summary>Whether the copy counts as the other half of a mirror; <see cref="MirrorState.None"/> for copies that never do.</summary>
    [Id(11)] public MirrorState Mirror { get; init; }

    /// <summary>Number of the record that says so; grows with every change. Confirmed by <see cref="DownAck.Mirrors"/>.</summary>
    [Id(12)] public long MirrorRecord { get; init; }

    [Id(13)] public DateTimeOffset? OutOfDateSince { get; init; }

    /// <summary>Bytes on the wire in a second, over the last ten.</summary>
    [Id(14)] public double BytesPerSecond { get; init; }

    /// <summary>Until the copy has what is there now, at the pace of the last ten seconds; null when it has it, or does not move.</summary>
    [Id(15)] public double? EtaSeconds { get; init; }

    /// <summary>Of a first copy or a catch-up: bytes done and in all; zero in all when neither is under way.</summary>
    [Id(16)] public long WorkDoneBytes { get; init; }

    [Id(17)] public long WorkTotalBytes { get; init; }

    /// <summary>When the newest point that both hold was taken.</summary>
    [Id(18)] public DateTimeOffset? LastCommonPointAt { get; init; }

    /// <summary>The newest gaps in what the copy got write by write, oldest first.</summary>
    [Id(19)] public IReadOnlyList<CopyGap> Gaps { get; init; } = [];

    /// <summary>History that is kept here only because the copy lacks it, and how much may be.</summary>
    [Id(20)] public long HeldBytes { get; init; }

    [Id(21)] public long HoldBudgetBytes { get; init; }

    /// <summary>Blocks of the copy that turned out different from what they had to be, and were sent whole.</summary>
    [Id(22)] public long DivergentBlocks { get; init; }

    /// <summary>The bandwidth class the copy shares; null when it has a limit of its own or none.</summary>
    [Id(23)] public string? BandwidthClass { get; init; }

    /// <summary>What a write's answer waits for while the copy is a mirror.</summary>
    [Id(24)] public MirrorAck Ack { get; init; }
}

/// <summary>What a write's answer waits for at a synchronous copy. A flush, and a write that forces unit access, are always answered when they are on both disks. The numbers are those of the wire.</summary>
public enum MirrorAck
{
    /// <summary>The copy has appended it: a process or a machine may be lost on either side, and nothing answered with it. Only power lost at the copy and then the primary lost before the copy has caught up takes what was not flushed.</summary>
    Applied,

    /// <summary>It is on the copy's disk.</summary>
    Durable,
}

/// <summary>What becomes of writes when the other half of a mirror is lost. The numbers are those of the wire.</summary>
public enum LossPolicy
{
    /// <summary>They wait until it is back.</summary>
    Stall,

    /// <summary>They wait until it is recorded that the mirror is out of date, and then go on without it.</summary>
    Degrade,
}

/// <summary>Whether the other side of a synchronous copy can be taken for whole. The numbers are those of the wire and of files.</summary>
public enum MirrorState
{
    /// <summary>Not synchronous.</summary>
    None,

    /// <summary>Recorded as out of date: writes are answered without it.</summary>
    OutOfDate,

    /// <summary>Every answered write is on it.</summary>
    Whole,
}

/// <summary>Writes that a copy will not get one by one: their log was given up while the copy was away. What they changed arrives with the next delta.</summary>
[GenerateSerializer, Immutable, Alias("dr.CopyGap")]
public sealed record CopyGap
{
    /// <summary>Exclusive.</summary>
    [Id(0)] public required SequenceNumber After { get; init; }

    /// <summary>Inclusive; grows while the copy stays away.</summary>
    [Id(1)] public required SequenceNumber UpTo { get; init; }

    /// <summary>When the log was first given up.</summary>
    [Id(2)] public required DateTimeOffset Since { get; init; }

    /// <summary>When the copy had what the writes changed; null = not yet.</summary>
    [Id(3)] public DateTimeOffset? ClosedAt { get; init; }

    [Id(4)] public required string Reason { get; init; }
}
