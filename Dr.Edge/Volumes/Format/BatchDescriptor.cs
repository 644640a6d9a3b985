using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Dr.Edge.Volumes.Format;

/// <summary>One extent of a batch: whole blocks of data or of zeros.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct BatchDescriptor(long FirstBlock, uint BlockCount, ExtentKind Kind)
{
    public const int FirstBlockOffset = 0;
    public const int BlockCountOffset = 8;
    public const int KindOffset = 12;

    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteInt64LittleEndian(destination[FirstBlockOffset..], FirstBlock);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[BlockCountOffset..], BlockCount);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[KindOffset..], (byte)Kind);
    }

    public static BatchDescriptor Read(ReadOnlySpan<byte> source) => new(
        BinaryPrimitives.ReadInt64LittleEndian(source[FirstBlockOffset..]),
        BinaryPrimitives.ReadUInt32LittleEndian(source[BlockCountOffset..]),
        (ExtentKind)source[KindOffset]);
}
