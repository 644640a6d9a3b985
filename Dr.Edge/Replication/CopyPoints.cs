namespace Dr.Edge.Replication;

/// <summary>The named places of replication at which a test can make the process die (<see cref="Volumes.Disk.StoreFaults.Pass"/>); what each leaves is in the remark.</summary>
internal static class CopyPoints
{
    /// <summary>Source: the target knows our history and has not answered.</summary>
    public const string Announced = "copy.announced";

    /// <summary>Source: batches are on the line that nobody has acknowledged.</summary>
    public const string BatchesSent = "copy.batches-sent";

    /// <summary>Source: that a synchronous copy is whole, or is not, is on this disk and nothing has acted on it yet.</summary>
    public const string MirrorRecorded = "copy.mirror-recorded";

    /// <summary>Source: the target has a staging layer and no block.</summary>
    public const string DeltaBegun = "copy.delta-begun";

    /// <summary>Source: some blocks of the delta are on the line.</summary>
    public const string DeltaSent = "copy.delta-sent";

    /// <summary>Source: the commit is on the line; whether the target did it is not known.</summary>
    public const string CommitSent = "copy.commit-sent";

    /// <summary>Source: the target was told to go back.</summary>
    public const string RewindSent = "copy.rewind-sent";

    /// <summary>Source: what changed since the common point was read and is not on the disk; the hold on it stays.</summary>
    public const string MapListed = "copy.map-listed";

    /// <summary>Source: the change map is on the disk; the hold on what it stands for has not moved yet.</summary>
    public const string MapWritten = "copy.map-written";

    /// <summary>Target: an empty copy was made.</summary>
    public const string Created = "copy.created";

    /// <summary>Target: the higher epoch is on disk, the volume is demoted and not yet a replica.</summary>
    public const string SteppedDown = "copy.stepped-down";

    /// <summary>Target: batches are appended and not flushed.</summary>
    public const string BatchesApplied = "copy.batches-applied";

    /// <summary>Target: they are flushed, and the source has not heard of it.</summary>
    public const string Flushed = "copy.flushed";

    /// <summary>Target: a point is sealed, and the source has not heard of it.</summary>
    public const string PointSealed = "copy.point-sealed";

    /// <summary>Target: blocks are in the staging layer, behind its last mark.</summary>
    public const string DeltaApplied = "copy.delta-applied";

    /// <summary>Target: the delta is attached, and the source has not heard of it.</summary>
    public const string Committed = "copy.committed";

    /// <summary>Target: it went back, and the source has not heard of it.</summary>
    public const string Rewound = "copy.rewound";

    /// <summary>Target: it said where it is.</summary>
    public const string PositionSent = "copy.position-sent";

    /// <summary>Source: what it learned of a copy that differs is on this disk, and nothing has followed from it yet.</summary>
    public const string Believed = "copy.believed";

    /// <summary>Target: it no longer takes itself for whole, and what differs is not marked yet.</summary>
    public const string Doubted = "copy.doubted";

    /// <summary>Target: what differs is marked, and the source has not heard of it.</summary>
    public const string DifferenceMarked = "copy.difference-marked";

    public static readonly IReadOnlyList<string> All =
    [
        Announced, BatchesSent, MirrorRecorded, DeltaBegun, DeltaSent, CommitSent, RewindSent,
        Created, SteppedDown, BatchesApplied, Flushed, PointSealed, DeltaApplied, Committed, Rewound, PositionSent,
    ];

    /// <summary>Those of a copy whose last write is not its owner's.</summary>
    public static readonly IReadOnlyList<string> OfDifferences = [Believed, Doubted, DifferenceMarked];

    /// <summary>Those of a copy that is away for longer than its budget.</summary>
    public static readonly IReadOnlyList<string> OfMaps = [MapListed, MapWritten];
}
