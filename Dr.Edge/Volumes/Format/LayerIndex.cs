using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Dr.Edge.Volumes.Format;

/// <summary>
/// The index behind the last batch of a sealed layer: the last version of everything the layer wrote, in ascending order of blocks. It can be made again from the batches,
/// so that damage to it costs time and no data.
/// </summary>
internal static class LayerIndex
{
    public const uint Magic = 0x31495244; // "DRI1"
    public const ushort Version = 1;
    public const int HeaderBytes = 40;
    public const int EntryBytes = 24;

    public const int MagicOffset = 0;
    public const int VersionOffset = 4;
    public const int HeaderLengthOffset = 6;
    public const int LayerNumberOffset = 8;
    public const int EntryCountOffset = 16;
    public const int LastSequenceOffset = 24;
    public const int EntriesChecksumOffset = 32;
    public const int HeaderChecksumOffset = 36;

    public const int EntryBlockOffset = 0;
    public const int EntryFileOffset = 8;
    public const int EntryCountFieldOffset = 16;
    public const int EntryChecksumOffset = 20;

    /// <param name="FirstBlock">First block of the run.</param>
    /// <param name="FileOffset">Where its data lies in the layer's file; 0 = zeros.</param>
    /// <param name="BlockCount">1 for data; any number for zeros.</param>
    /// <param name="Checksum">CRC32C of the data block.</param>
    [StructLayout(LayoutKind.Auto)]
    public readonly record struct Entry(long FirstBlock, long FileOffset, uint BlockCount, uint Checksum)
    {
        public bool IsZero => FileOffset == 0;

        /// <summary>Whether it may follow an entry that ends at block <paramref name="from"/>, and lies inside the volume and its layer's batches.</summary>
        public bool IsSound(long from, long volumeBlocks, long layerBytes) =>
            FirstBlock >= from && BlockCount > 0 && FirstBlock <= volumeBlocks - BlockCount
            && (IsZero || (BlockCount == 1 && FileOffset >= LayerHeader.SizeBytes && FileOffset <= layerBytes - StoreLimits.BlockBytes));

        public void Write(Span<byte> destination)
        {
            BinaryPrimitives.WriteInt64LittleEndian(destination[EntryBlockOffset..], FirstBlock);
            BinaryPrimitives.WriteInt64LittleEndian(destination[EntryFileOffset..], FileOffset);
            BinaryPrimitives.WriteUInt32LittleEndian(destination[EntryCountFieldOffset..], BlockCount);
            BinaryPrimitives.WriteUInt32LittleEndian(destination[EntryChecksumOffset..], Checksum);
        }

        public static Entry Read(ReadOnlySpan<byte> source) => new(
            BinaryPrimitives.ReadInt64LittleEndian(source[EntryBlockOffset..]),
            BinaryPrimitives.ReadInt64LittleEndian(source[EntryFileOffset..]),
            BinaryPrimitives.ReadUInt32LittleEndian(source[EntryCountFieldOffset..]),
            BinaryPrimitives.ReadUInt32LittleEndian(source[EntryChecksumOffset..]));
    }

    /// <summary>The header for entries that were written behind it already.</summary>
    public static void WriteHeader(Span<byte> header, long layerNumber, long lastSequence, long entryCount, uint entriesChecksum)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(header[MagicOffset..], Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(header[VersionOffset..], Version);
        BinaryPrimitives.WriteUInt16LittleEndian(header[HeaderLengthOffset..], HeaderBytes);
        BinaryPrimitives.WriteInt64LittleEndian(header[LayerNumberOffset..], layerNumber);
        BinaryPrimitives.WriteInt64LittleEndian(header[EntryCountOffset..], entryCount);
        BinaryPrimitives.WriteInt64LittleEndian(header[LastSequenceOffset..], lastSequence);
        BinaryPrimitives.WriteUInt32LittleEndian(header[EntriesChecksumOffset..], entriesChecksum);
        BinaryPrimitives.WriteUInt32LittleEndian(header[HeaderChecksumOffset..], Crc32C.Compute(header[..HeaderChecksumOffset]));
    }

    /// <summary>Reads the header of whatever index this layer has; false when it is not right.</summary>
    public static bool TryReadAny(ReadOnlySpan<byte> header, long layerNumber, out long lastSequence, out long entries)
    {
        lastSequence = header.Length < HeaderBytes ? 0 : BinaryPrimitives.ReadInt64LittleEndian(header[LastSequenceOffset..]);
        entries = ReadHeader(header, layerNumber, lastSequence, out _);
        return entries >= 0;
    }

    /// <summary>Number of entries when the header is right and belongs to this layer; -1 otherwise.</summary>
    public static long ReadHeader(ReadOnlySpan<byte> header, long layerNumber, long lastSequence, out uint entriesChecksum)
    {
        entriesChecksum = 0;
        if (header.Length < HeaderBytes
            || BinaryPrimitives.ReadUInt32LittleEndian(header[MagicOffset..]) != Magic
            || BinaryPrimitives.ReadUInt32LittleEndian(header[HeaderChecksumOffset..]) != Crc32C.Compute(header[..HeaderChecksumOffset])
            || BinaryPrimitives.ReadUInt16LittleEndian(header[VersionOffset..]) != Version
            || BinaryPrimitives.ReadInt64LittleEndian(header[LayerNumberOffset..]) != layerNumber
            || BinaryPrimitives.ReadInt64LittleEndian(header[LastSequenceOffset..]) != lastSequence)
        {
            return -1;
        }

        entriesChecksum = BinaryPrimitives.ReadUInt32LittleEndian(header[EntriesChecksumOffset..]);
        return BinaryPrimitives.ReadInt64LittleEndian(header[EntryCountOffset..]);
    }
}
