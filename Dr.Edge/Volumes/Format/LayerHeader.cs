using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Dr.Edge.Volumes.Format;

/// <summary>The first bytes of a layer file.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct LayerHeader(Guid VolumeId, long Number)
{
    public const uint Magic = 0x314c5244; // "DRL1"
    public const ushort Version = 1;
    public const int SizeBytes = 64;
    public const int MagicOffset = 0;
    public const int VersionOffset = 4;
    public const int HeaderLengthOffset = 6;
    public const int VolumeIdOffset = 8;
    public const int NumberOffset = 24;
    public const int HeaderChecksumOffset = 60;

    public void Write(Span<byte> destination)
    {
        destination[..SizeBytes].Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(destination[MagicOffset..], Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(destination[VersionOffset..], Version);
        BinaryPrimitives.WriteUInt16LittleEndian(destination[HeaderLengthOffset..], SizeBytes);
        VolumeId.TryWriteBytes(destination[VolumeIdOffset..]);
        BinaryPrimitives.WriteInt64LittleEndian(destination[NumberOffset..], Number);
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

        header = new LayerHeader(new Guid(source.Slice(VolumeIdOffset, 16)), BinaryPrimitives.ReadInt64LittleEndian(source[NumberOffset..]));
        return true;
    }
}
