namespace Dr.Edge.Volumes.Scrubbing;

/// <summary>Something on disk that is not as it was written. It is kept as it is; repairing is somebody else's.</summary>
/// <param name="Where">File, relative to the volume's directory, or <c>map</c>.</param>
/// <param name="Block">The volume's block, where it is one.</param>
/// <param name="Points">Points that show it.</param>
/// <param name="InPresent">The volume as it is now shows it.</param>
internal sealed record ScrubFinding(
    string Where, long Offset, long Length, string Problem, long? Block, IReadOnlyList<PointId> Points, bool InPresent, DateTimeOffset FirstSeen, DateTimeOffset LastSeen);
