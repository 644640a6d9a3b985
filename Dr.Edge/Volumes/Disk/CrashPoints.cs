namespace Dr.Edge.Volumes.Disk;

/// <summary>The names for <see cref="StoreFaults.Pass"/>; <c>volume-format.md</c> says for each what a reader then finds, and a crash test stops at every one.</summary>
internal static class CrashPoints
{
    public const string BatchWritten = "batch.written";
    public const string FlushSynced = "flush.synced";
    public const string RoomWritten = "room.written";
    public const string PointLayerCreated = "point.layer-created";
    public const string PointSpareMade = "point.spare-made";
    public const string PointHeadSwapped = "point.head-swapped";
    public const string PointLayerSynced = "point.layer-synced";
    public const string PointRecorded = "point.recorded";
    public const string GroupHalf = "group.half";
    public const string ManifestWritten = "manifest.written";
    public const string ManifestCompacted = "manifest.compacted";
    public const string ManifestReplacementWritten = "manifest.replacement-written";
    public const string ManifestRoomWritten = "manifest.room-written";
    public const string SuperblockHalf = "superblock.half";
    public const string IndexWritten = "index.written";
    public const string CloneCreated = "clone.created";
    public const string CloneNamed = "clone.named";
    public const string VolumeDeleted = "volume.deleted";
    public const string MergeBegun = "merge.begun";
    public const string MergeBlocksWritten = "merge.blocks-written";
    public const string MergeSliceRecorded = "merge.slice-recorded";
    public const string MergeSliceFreed = "merge.slice-freed";
    public const string MergeRecorded = "merge.recorded";
    public const string CompactWritten = "compact.written";
    public const string CompactRecorded = "compact.recorded";
    public const string RestoreBegun = "restore.begun";
    public const string RestoreCancelled = "restore.cancelled";
    public const string RestoreHalf = "restore.half";
    public const string StagingSynced = "staging.synced";
    public const string StagingCommitted = "staging.committed";
    public const string RewindCloned = "rewind.cloned";
    public const string RewindRecorded = "rewind.recorded";
    public const string DetachFilled = "detach.filled";

    public static readonly IReadOnlyList<string> All =
    [
        BatchWritten, FlushSynced, RoomWritten, PointLayerCreated, PointSpareMade, PointHeadSwapped, PointLayerSynced, PointRecorded, GroupHalf, ManifestWritten, ManifestCompacted, ManifestReplacementWritten, ManifestRoomWritten, SuperblockHalf, IndexWritten,
        CloneCreated, CloneNamed, VolumeDeleted, MergeBegun, MergeBlocksWritten, MergeSliceRecorded, MergeSliceFreed, MergeRecorded, CompactWritten, CompactRecorded, RestoreBegun, RestoreCancelled, RestoreHalf, StagingSynced, StagingCommitted, RewindCloned, RewindRecorded, DetachFilled,
    ];
}
