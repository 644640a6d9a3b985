namespace Dr.Edge.Volumes.Format;

/// <summary>Sizes and bounds of the store. Each is checked before a length read from disk or wire is believed.</summary>
internal static class StoreLimits
{
    public const int BlockBytes = 4096;
    public const int BlockShift = 12;

    /// <summary>16 TiB: a location in the block map has 44 bits for the byte offset in a file, and base.img is as large as the volume.</summary>
    public const long MaxVolumeBytes = 1L << 44;

    /// <summary>Times a volume can be made larger: each is remembered, so that the past keeps its sizes. Doubling a block every time needs 32.</summary>
    public const int MaxResizes = 1000;

    /// <summary>Points that a volume can hold.</summary>
    public const int MaxPoints = 255;

    /// <summary>Points that people can hold; below <see cref="MaxPoints"/>, so that a point that must be taken (a demotion's, a copy's) always finds one that may go.</summary>
    public const int MaxPointHolds = 200;

    /// <summary>An NBD write has at most 32 MiB; a batch may hold one of them and what else was waiting.</summary>
    public const int MaxBatchBytes = 64 * 1024 * 1024;

    /// <summary>Data that one batch takes before the next is begun, unless a single write is larger.</summary>
    public const int TargetBatchBytes = 16 * 1024 * 1024;

    public const int MaxExtentsPerBatch = 65536;

    /// <summary>Manifest records are whole states: 255 points and as many layers stay far below.</summary>
    public const int MaxManifestRecordBytes = 16 * 1024 * 1024;

    /// <summary>Disk space that a manifest has ahead of its end.</summary>
    public const long ManifestRoomBytes = 64 * 1024;

    /// <summary>A manifest longer than this, and than <see cref="ManifestCompactRecords"/> of its records, is rewritten with its last record only; in the background at half of it.</summary>
    public const long ManifestCompactBytes = 256 * 1024;

    /// <summary>With 255 points a record has some 75 KB: rewriting costs several times what a record does, and is to be as rare as with few.</summary>
    public const int ManifestCompactRecords = 16;

    /// <exception cref="DrException">No volume can have this size.</exception>
    public static void CheckVolumeSize(long sizeBytes)
    {
        if (sizeBytes <= 0 || sizeBytes > MaxVolumeBytes || sizeBytes % BlockBytes != 0)
        {
            throw new DrException($"A volume cannot have {sizeBytes} bytes.", "A multiple of 4 KiB, at most 16 TiB.");
        }
    }
}
