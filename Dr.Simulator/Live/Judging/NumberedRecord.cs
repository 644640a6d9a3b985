using System.Buffers.Binary;
using System.IO.Hashing;

namespace Dr.Simulator.Live.Judging;

/// <summary>
/// One block of the volume that the numbered writers write: magic, the number, where it belongs, a pattern made of the number, and a CRC-32 over all of it. A record that sits elsewhere, is torn or half old shows.
/// Write <c>n</c> goes to slot <c>n mod slots</c>.
/// </summary>
internal static class NumberedRecord
{
    /// <summary>Bytes.</summary>
    public const int Size = 4096;

    private const ulong Magic = 0x31544E454D474F44;

    public static void Fill(Span<byte> block, long number)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(block, Magic);
        BinaryPrimitives.WriteInt64LittleEndian(block[8..], number);
        for (var at = 16; at < Size - 4; at += 4)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(block[at..], (uint)((number * 2654435761L) + at));
        }

        BinaryPrimitives.WriteUInt32LittleEndian(block[(Size - 4)..], Crc32.HashToUInt32(block[..(Size - 4)]));
    }

    /// <summary>The number; 0 = nothing was ever written there; null = neither a record nor zeros.</summary>
    public static long? Read(ReadOnlySpan<byte> block)
    {
        if (!block.ContainsAnyExcept((byte)0))
        {
            return 0;
        }

        return BinaryPrimitives.ReadUInt64LittleEndian(block) == Magic && BinaryPrimitives.ReadUInt32LittleEndian(block[(Size - 4)..]) == Crc32.HashToUInt32(block[..(Size - 4)])
            ? BinaryPrimitives.ReadInt64LittleEndian(block[8..])
            : null;
    }
}
