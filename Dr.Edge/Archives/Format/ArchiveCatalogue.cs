using Dr.Edge.Volumes.Disk;

namespace Dr.Edge.Archives.Format;

/// <summary>
/// <c>NAME.catalogue</c>: what belongs to a set of parts in a directory. Written last, so it says that the archive is whole; nothing is lost with it, as the parts say the same.
/// A line with the CRC-32C of the rest in eight hexadecimal digits, then JSON.
/// </summary>
internal sealed record ArchiveCatalogue
{
    public const int MaxBytes = 256 * 1024 * 1024;

    public required Guid Set { get; init; }

    public required long VolumeBytes { get; init; }

    public required bool Encrypted { get; init; }

    /// <summary>Content that is not holes, bytes.</summary>
    public required long ContentBytes { get; init; }

    public required ArchiveDescription Description { get; init; }

    public required IReadOnlyList<CataloguePart> Parts { get; init; }

    public byte[] Encode() => SealedJson.Encode(this, ArchiveJson.Default.ArchiveCatalogue);

    /// <summary>Null when it is damaged.</summary>
    public static ArchiveCatalogue? TryParse(ReadOnlySpan<byte> bytes) => SealedJson.Parse(bytes, ArchiveJson.Default.ArchiveCatalogue);
}

/// <param name="File">File name, without a directory: the set may be moved.</param>
/// <param name="FirstOffset">Where in the volume the part begins.</param>
internal sealed record CataloguePart(int Number, string File, long Bytes, long FirstOffset);
