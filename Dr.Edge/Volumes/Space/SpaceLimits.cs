namespace Dr.Edge.Volumes.Space;

/// <summary>
/// The space that clients never get, and the lines above it. Everything that makes space (manifest records, deleting points, sealing, moving layers into the base) works inside the reserve.
/// <code>
/// available   ample | give-way line … history gives way | reserve … clients see ENOSPC | half of it … no new points | 0
/// </code>
/// </summary>
/// <param name="ReserveBytes">Below this much available space, clients' writes are refused.</param>
internal readonly record struct SpaceLimits(long ReserveBytes)
{
    /// <summary>Enough for two manifests, new layers and a slice of a merge on the smallest disk.</summary>
    public const long MinReserveBytes = 8L << 20;

    /// <summary>A larger disk needs no more: what works in the reserve does not grow with the disk.</summary>
    public const long MaxReserveBytes = 1L << 30;

    /// <summary>One part in so many of the file system is kept, between the bounds above.</summary>
    public const int ReserveShare = 64;

    /// <summary>A file system too small for the least reserve gives at most one part in so many.</summary>
    public const int MaxReserveShare = 8;

    /// <summary>From here on history gives way (where that is the policy), early enough that clients do not meet the reserve while it does.</summary>
    public long GiveWayBytes => 3 * ReserveBytes;

    /// <summary>So near the reserve that the next write of some size is refused: said to be full.</summary>
    public long FullBytes => ReserveBytes + (ReserveBytes / 16);

    /// <summary>Below this no new point is taken: what is left is for making space.</summary>
    public long PointsStopBytes => ReserveBytes / 2;

    /// <param name="configured">What the configuration says; null = by the size of the file system.</param>
    public static SpaceLimits For(long fileSystemBytes, long? configured) =>
        new(configured ?? Math.Min(Math.Clamp(fileSystemBytes / ReserveShare, MinReserveBytes, MaxReserveBytes), fileSystemBytes / MaxReserveShare));
}
