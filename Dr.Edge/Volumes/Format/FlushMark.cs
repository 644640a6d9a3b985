using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Dr.Edge.Volumes.Format;

/// <summary>
/// What was known to be durable, written after each flush behind the superblock copies and not itself flushed. It is only ever evidence: damage below it is
/// damage and not a torn tail. A mark that is missing or wrong says nothing.
/// </summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct FlushMark(long LayerNumber, long Sequence, long ManifestRecords)
{
    public const uint Magic = 0x314d5244; // "DRM1"
    public const int FileOffset = Superblock.CopyCount * Superblock.CopyBytes;
    public const int SizeBytes = 32;
    public const int MagicOffset = 0;
    public const int LayerNumberOffset = 4;
    public const int SequenceOffset = 12;
    public const int ManifestRecordsOffset = 20;
    public const int ChecksumOffset = 28;

    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(destination[MagicOffset..], Magic);
        BinaryPrimitives.WriteInt64LittleEndian(destination[LayerNumberOffset..], LayerNumber);
        BinaryPrimitives.WriteInt64LittleEndian(destination[SequenceOffset..], Sequence);
        BinaryPrimitives.WriteInt64LittleEndian(destination[ManifestRecordsOffset..], ManifestRecords);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[ChecksumOffset..], Crc32C.Compute(destination[..ChecksumOffset]));
    }

    public static FlushMark Read(ReadOnlySpan<byte> source) =>
        source.Length < SizeBytes
        || BinaryPrimitives.ReadUInt32LittleEndian(source[MagicOffset..]) != Magic
        || BinaryPrimitives.ReadUInt32LittleEndian(source[ChecksumOffset..]) != Crc32C.Compute(source[..ChecksumOffset])
            ? default
            : new FlushMark(
                BinaryPrimitives.ReadInt64LittleEndian(source[LayerNumberOffset..]),
                BinaryPrimitives.ReadInt64LittleEndian(source[SequenceOffset..]),
                BinaryPrimitives.ReadInt64LittleEndian(source[ManifestRecordsOffset..]));
}
