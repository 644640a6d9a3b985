using System.Buffers.Binary;

namespace Dr.Edge.Archives.Format;

/// <summary>
/// Payload of the last record of a part. It lies at the very end, so that a reader finds the part's beginning from its end, and with it, from the end of a sequential file, every part.
/// </summary>
/// <param name="PartBytes">Length of the part with this record.</param>
/// <param name="NextOffset">What the part says of the volume ends here; the next part begins here.</param>
/// <param name="NextRecord">The next part's first record.</param>
/// <param name="ContentBytes">Content that is not holes, in this and all earlier parts.</param>
/// <param name="IsLast">The archive ends here.</param>
internal readonly record struct PartEnd(long PartBytes, long NextOffset, long NextRecord, long ContentBytes, bool IsLast)
{
    public const int SizeBytes = 40;

    /// <summary>Header and payload: what every part ends with.</summary>
    public const int RecordBytes = RecordHeader.SizeBytes + SizeBytes;

    public const int PartBytesOffset = 0;
    public const int NextOffsetOffset = 8;
    public const int NextRecordOffset = 16;
    public const int ContentBytesOffset = 24;
    public const int FlagsOffset = 32;
    private const uint LastFlag = 1;

    public byte[] Encode()
    {
        var payload = new byte[SizeBytes];
        BinaryPrimitives.WriteInt64LittleEndian(payload.AsSpan(PartBytesOffset), PartBytes);
        BinaryPrimitives.WriteInt64LittleEndian(payload.AsSpan(NextOffsetOffset), NextOffset);
        BinaryPrimitives.WriteInt64LittleEndian(payload.AsSpan(NextRecordOffset), NextRecord);
        BinaryPrimitives.WriteInt64LittleEndian(payload.AsSpan(ContentBytesOffset), ContentBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(payload.AsSpan(FlagsOffset), IsLast ? LastFlag : 0);
        return payload;
    }

    public static PartEnd Read(ReadOnlySpan<byte> payload) => new(
        BinaryPrimitives.ReadInt64LittleEndian(payload[PartBytesOffset..]),
        BinaryPrimitives.ReadInt64LittleEndian(payload[NextOffsetOffset..]),
        BinaryPrimitives.ReadInt64LittleEndian(payload[NextRecordOffset..]),
        BinaryPrimitives.ReadInt64LittleEndian(payload[ContentBytesOffset..]),
        (BinaryPrimitives.ReadUInt32LittleEndian(payload[FlagsOffset..]) & LastFlag) != 0);
}
