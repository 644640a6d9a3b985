using System.Buffers.Binary;
using Dr.Contracts.Wire;

namespace Dr.Edge.Archives.Format;

internal enum RecordKind : byte
{
    /// <summary>Content of the volume.</summary>
    Data = 1,

    /// <summary>Zeros that bring the part's end to the end of a page.</summary>
    Filler = 2,

    /// <summary>The last of every part: <see cref="PartEnd"/>.</summary>
    End = 3,
}

internal enum RecordEncoding : byte
{
    Raw = 0,
    Zstd = 1,
}

/// <summary>
/// In front of every record. Two checks: CRC-32C of header and payload, which anybody can verify, and a tag of 16 bytes that binds both to the part's header: AES-256-GCM's in encrypted
/// archives, the first half of a SHA-256 in others.
/// </summary>
internal readonly record struct RecordHeader
{
    public const uint Magic = 0x31725244; // "DRr1"
    public const int SizeBytes = 56;
    public const int TagBytes = 16;

    public const int MagicOffset = 0;
    public const int KindOffset = 4;
    public const int EncodingOffset = 5;
    public const int NumberOffset = 8;
    public const int VolumeOffsetOffset = 16;
    public const int ContentLengthOffset = 24;
    public const int StoredLengthOffset = 28;
    public const int TagOffset = 32;
    public const int PayloadChecksumOffset = 48;
    public const int HeaderChecksumOffset = 52;

    public required RecordKind Kind { get; init; }

    public RecordEncoding Encoding { get; init; }

    public required long Number { get; init; }

    /// <summary>Where in the volume the content belongs; 0 in records that have none.</summary>
    public long VolumeOffset { get; init; }

    /// <summary>Bytes of content.</summary>
    public int ContentLength { get; init; }

    /// <summary>Bytes of payload behind the header.</summary>
    public required int StoredLength { get; init; }

    /// <summary>The part of the header that the tag is made over; <see cref="Finish"/> writes the rest.</summary>
    public void WriteBound(Span<byte> header)
    {
        header[..SizeBytes].Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(header[MagicOffset..], Magic);
        header[KindOffset] = (byte)Kind;
        header[EncodingOffset] = (byte)Encoding;
        BinaryPrimitives.WriteInt64LittleEndian(header[NumberOffset..], Number);
        BinaryPrimitives.WriteInt64LittleEndian(header[VolumeOffsetOffset..], VolumeOffset);
        BinaryPrimitives.WriteInt32LittleEndian(header[ContentLengthOffset..], ContentLength);
        BinaryPrimitives.WriteInt32LittleEndian(header[StoredLengthOffset..], StoredLength);
    }

    /// <summary>The checksums, once the tag is in its place and the payload is what will be stored.</summary>
    public static void Finish(Span<byte> header, ReadOnlySpan<byte> payload)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(header[PayloadChecksumOffset..], Crc32C.Compute(payload));
        BinaryPrimitives.WriteUInt32LittleEndian(header[HeaderChecksumOffset..], Crc32C.Compute(header[..HeaderChecksumOffset]));
    }

    /// <summary>False when it is no header, a damaged one, or says what cannot be.</summary>
    public static bool TryRead(ReadOnlySpan<byte> source, out RecordHeader header)
    {
        header = default;
        if (source.Length < SizeBytes || BinaryPrimitives.ReadUInt32LittleEndian(source) != Magic
            || BinaryPrimitives.ReadUInt32LittleEndian(source[HeaderChecksumOffset..]) != Crc32C.Compute(source[..HeaderChecksumOffset]))
        {
            return false;
        }

        header = new RecordHeader
        {
            Kind = (RecordKind)source[KindOffset],
            Encoding = (RecordEncoding)source[EncodingOffset],
            Number = BinaryPrimitives.ReadInt64LittleEndian(source[NumberOffset..]),
            VolumeOffset = BinaryPrimitives.ReadInt64LittleEndian(source[VolumeOffsetOffset..]),
            ContentLength = BinaryPrimitives.ReadInt32LittleEndian(source[ContentLengthOffset..]),
            StoredLength = BinaryPrimitives.ReadInt32LittleEndian(source[StoredLengthOffset..]),
        };
        return header.IsPlausible;
    }

    public static bool PayloadIsRight(ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload) =>
        BinaryPrimitives.ReadUInt32LittleEndian(header[PayloadChecksumOffset..]) == Crc32C.Compute(payload);

    private bool IsPlausible => Number >= 0 && StoredLength is >= 0 and <= ArchiveLimits.MaxContentBytes && Kind switch
    {
        RecordKind.Data => VolumeOffset >= 0 && ContentLength is > 0 and <= ArchiveLimits.MaxContentBytes && StoredLength > 0 && StoredLength <= ContentLength
            && (Encoding == RecordEncoding.Zstd || (Encoding == RecordEncoding.Raw && StoredLength == ContentLength)),
        RecordKind.Filler => StoredLength < 2 * ArchiveLimits.PageBytes,
        RecordKind.End => StoredLength == PartEnd.SizeBytes,
        _ => false,
    };
}
