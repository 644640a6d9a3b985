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

    private const int MaxGapBytes = 9;

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
        var block = previous + 1 + ReadGap(ref reader);
        if (block < 0)
        {
            throw new WireFormatException("A delta's block numbers overflow.");
        }

        var mask = reader.Byte();
        var crc = reader.UInt32();
        var units = reader.Bytes(BitOperations.PopCount(mask) * UnitBytes);
        payload = payload[^reader.Remaining..];
        previous = block;
        entry = new DeltaBlock(block, mask, crc, units);
        return true;
    }

    private static void AppendHead(IBufferWriter<byte> output, ref long previous, long block, byte mask, ReadOnlySpan<byte> after)
    {
        var head = output.GetSpan(MaxGapBytes + 1 + sizeof(uint));
        var length = 0;
        var gap = (ulong)(block - previous - 1);
        while (gap >= 0x80)
        {
            head[length++] = (byte)(gap | 0x80);
            gap >>= 7;
        }

        head[length++] = (byte)gap;
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
