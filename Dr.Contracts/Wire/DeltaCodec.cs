using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;

namespace Dr.Contracts.Wire;

/// <summary>Payload of <see cref="FrameType.Delta"/>: entries in ascending order of block until the payload ends.</summary>
public static class DeltaCodec
{
    public const int BlockBytes = 4096;
    public const int UnitBytes = 512;
    public const int UnitsPerBlock = BlockBytes / UnitBytes;

    /// <summary>Most that one entry takes: gap, mask, checksum, eight units.</summary>
    public const int MaxEntryBytes = MaxGapBytes + 1 + sizeof(uint) + BlockBytes;

    internal const int MaxGapBytes = 9;

    /// <summary>Bit <c>i</c> is set when unit <c>i</c> of the two blocks differs.</summary>
    public static byte Compare(ReadOnlySpan<byte> before, ReadOnlySpan<byte> after)
    {
        var mask = 0;
        for (var unit = 0; unit < UnitsPerBlock; unit++)
        {
            var offset = unit * UnitBytes;
            if (!before.Slice(offset, UnitBytes).SequenceEqual(after.Slice(offset, UnitBytes)))
            {
                mask |= 1 << unit;
            }
        }

        return (byte)mask;
    }

    /// <summary>
    /// Appends the block when it differs; returns how many units did. <paramref name="previous"/> is the last block appended to this payload, −1 at its start.
    /// </summary>
    public static int Append(IBufferWriter<byte> output, ref long previous, long block, ReadOnlySpan<byte> before, ReadOnlySpan<byte> after)
    {
        var mask = Compare(before, after);
        if (mask == 0)
        {
            return 0;
        }

        if (!after[..BlockBytes].ContainsAnyExcept((byte)0))
        {
            AppendHead(output, ref previous, block, 0, after);
            return BitOperations.PopCount(mask);
        }

        Append(output, ref previous, block, mask, after);
        return BitOperations.PopCount(mask);
    }

    /// <summary>Appends the units of <paramref name="mask"/> (not 0) whether they differ or not; 0xFF sends the block whole.</summary>
    public static void Append(IBufferWriter<byte> output, ref long previous, long block, byte mask, ReadOnlySpan<byte> after)
    {
        AppendHead(output, ref previous, block, mask, after);
        for (uint rest = mask; rest != 0;)
        {
            // Neighbouring units go in one piece.
            var first = BitOperations.TrailingZeroCount(rest);
            var count = BitOperations.TrailingZeroCount(~(rest >> first));
            output.Write(after.Slice(first * UnitBytes, count * UnitBytes));
            rest &= ~(((1u << count) - 1) << first);
        }
    }

    /// <summary>Takes the next entry off <paramref name="payload"/>; false at its end.</summary>
    /// <exception cref="WireFormatException">What is left is not an entry.</exception>
    public static bool TryRead(ref ReadOnlySpan<byte> payload, ref long previous, out DeltaBlock entry)
    {
        entry = default;
        if (payload.IsEmpty)
        {
            return false;
        }

        var reader = new WireReader(payload);
        var (block, mask, crc) = ReadHead(ref reader, previous);
        var units = reader.Bytes(BitOperations.PopCount(mask) * UnitBytes);
        payload = payload[^reader.Remaining..];
        previous = block;
        entry = new DeltaBlock(block, mask, crc, units);
        return true;
    }

    /// <summary>An entry without its units.</summary>
    internal static (long Block, byte Mask, uint Crc) ReadHead(ref WireReader reader, long previous)
    {
        var block = ReadNext(ref reader, previous);
        return (block, reader.Byte(), reader.UInt32());
    }

    /// <summary>A block's number after the one before it.</summary>
    internal static long ReadNext(ref WireReader reader, long previous)
    {
        var block = previous + 1 + ReadGap(ref reader);
        return block >= 0 ? block : throw new WireFormatException("A delta's block numbers overflow.");
    }

    /// <summary>Bytes of a block's number, seven bits each, low ones first; returns how many.</summary>
    internal static int WriteNext(Span<byte> output, long previous, long block)
    {
        var length = 0;
        var gap = (ulong)(block - previous - 1);
        while (gap >= 0x80)
        {
            output[length++] = (byte)(gap | 0x80);
            gap >>= 7;
        }

        output[length++] = (byte)gap;
        return length;
    }

    private static void AppendHead(IBufferWriter<byte> output, ref long previous, long block, byte mask, ReadOnlySpan<byte> after)
    {
        var head = output.GetSpan(MaxGapBytes + 1 + sizeof(uint));
        var length = WriteNext(head, previous, block);
        head[length++] = mask;
        BinaryPrimitives.WriteUInt32LittleEndian(head[length..], Crc32C.Compute(after[..BlockBytes]));
        output.Advance(length + sizeof(uint));
        previous = block;
    }

    // Seven bits a byte, low ones first. Nine bytes hold any block number.
    private static long ReadGap(ref WireReader reader)
    {
        long gap = 0;
        for (var i = 0; i < MaxGapBytes; i++)
        {
            var part = reader.Byte();
            gap |= (long)(part & 0x7F) << (7 * i);
            if (part < 0x80)
            {
                return gap;
            }
        }

        throw new WireFormatException("A delta's block gap is too long.");
    }
}
