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

    [Id(6)] public double LagSeconds { get; init; }

    [Id(7)] public PointId? LastCommonPoint { get; init; }

    [Id(8)] public long WireBytes { get; init; }

    [Id(9)] public long ChangedBytes { get; init; }

    [Id(10)] public string? Detail { get; init; }
}
