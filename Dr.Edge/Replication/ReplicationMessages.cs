namespace Dr.Edge.Replication;

/// <summary>Bodies on the control socket.</summary>
internal sealed record AddCopyRequest(string Peer, CopyMode Mode, double? BandwidthMbps);

internal sealed record EpochRequest(long Epoch);

internal sealed record CopyList(string Volume, VolumeRole Role, long Epoch, IReadOnlyList<CopyStatus> Copies);

internal sealed record SyncResult(string Volume, long Sequence);

internal sealed record RoleResult(string Volume, VolumeRole Role, long Epoch, long Sequence, string Generation, string? Point, string? Digest);

internal sealed record RemoveResult(bool Removed);
