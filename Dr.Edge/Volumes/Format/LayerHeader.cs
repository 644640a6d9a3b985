using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Dr.Edge.Volumes.Format;

/// <summary>The first bytes of a layer file.</summary>
/// <param name="CompactedAfter">In a compacted layer the position it begins after, and in <paramref name="CompactedLast"/> its only one, so that a rebuild knows what it stands for when no record does. Both 0 in others.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct LayerHeader(Guid VolumeId, long Number, long CompactedAfter = 0, long CompactedLast = 0)
{
    public const uint Magic = 0x314c5244; // "DRL1"
    public const ushort Version = 1;
    public const int SizeBytes = 64;
    public const int MagicOffset = 0;
    public const int VersionOffset = 4;
    public const int HeaderLengthOffset = 6;
    public const int VolumeIdOffset = 8;
    public const int NumberOffset = 24;
    public const int CompactedAfterOffset = 32;
    public const int CompactedLastOffset = 40;
    public const int HeaderChecksumOffset = 60;

    public void Write(Span<byte> destination)
    {
        destination[..SizeBytes].Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(destination[MagicOffset..], Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(destination[VersionOffset..], Version);
        BinaryPrimitives.WriteUInt16LittleEndian(destination[HeaderLengthOffset..], SizeBytes);
        VolumeId.TryWriteBytes(destination[VolumeIdOffset..]);
        BinaryPrimitives.WriteInt64LittleEndian(destination[NumberOffset..], Number);
        BinaryPrimitives.WriteInt64LittleEndian(destination[CompactedAfterOffset..], CompactedAfter);
        BinaryPrimitives.WriteInt64LittleEndian(destination[CompactedLastOffset..], CompactedLast);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[HeaderChecksumOffset..], Crc32C.Compute(destination[..HeaderChecksumOffset]));
    }

    public static bool TryRead(ReadOnlySpan<byte> source, out LayerHeader header)
    {
        header = default;
        if (source.Length < SizeBytes
            || BinaryPrimitives.ReadUInt32LittleEndian(source[MagicOffset..]) != Magic
            || BinaryPrimitives.ReadUInt32LittleEndian(source[HeaderChecksumOffset..]) != Crc32C.Compute(source[..HeaderChecksumOffset])
            || BinaryPrimitives.ReadUInt16LittleEndian(source[VersionOffset..]) != Version)
        {
            return false;
        }

        header = new LayerHeader(
            new Guid(source.Slice(VolumeIdOffset, 16)),
            BinaryPrimitives.ReadInt64LittleEndian(source[NumberOffset..]),
            BinaryPrimitives.ReadInt64LittleEndian(source[CompactedAfterOffset..]),
            BinaryPrimitives.ReadInt64LittleEndian(source[CompactedLastOffset..]));
        return true;
    }
}
