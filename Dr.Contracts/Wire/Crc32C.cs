using System.Numerics;
using System.Runtime.InteropServices;

namespace Dr.Contracts.Wire;

/// <summary>
/// CRC-32C (Castagnoli) with the usual inversion at both ends. The processor's instruction takes 8 bytes every cycle but answers after three, so three runs of the input go side by side and are
/// put together with tables that append zeros to a checksum.
/// </summary>
public static class Crc32C
{
    // Three lanes of 1360 bytes leave 16 of a 4 KiB block for the end.
    private const int LaneBytes = 1360;
    private static readonly uint[] ShiftOneLane = BuildShiftTable(LaneBytes);
    private static readonly uint[] ShiftTwoLanes = BuildShiftTable(2 * LaneBytes);

    public static uint Compute(ReadOnlySpan<byte> data) => ~Append(uint.MaxValue, data);

    /// <summary>Goes on with an uninverted state: start with <see cref="uint.MaxValue"/>, invert the last result.</summary>
    public static uint Append(uint state, ReadOnlySpan<byte> data)
    {
        while (data.Length >= 3 * LaneBytes)
        {
            var first = MemoryMarshal.Cast<byte, ulong>(data[..LaneBytes]);
            var second = MemoryMarshal.Cast<byte, ulong>(data.Slice(LaneBytes, LaneBytes));
            var third = MemoryMarshal.Cast<byte, ulong>(data.Slice(2 * LaneBytes, LaneBytes));
            uint a = state, b = 0, c = 0;
            for (var i = 0; i < first.Length && i < second.Length && i < third.Length; i++)
            {
                a = BitOperations.Crc32C(a, first[i]);
                b = BitOperations.Crc32C(b, second[i]);
                c = BitOperations.Crc32C(c, third[i]);
            }

            state = Shift(ShiftTwoLanes, a) ^ Shift(ShiftOneLane, b) ^ c;
            data = data[(3 * LaneBytes)..];
        }

        foreach (var word in MemoryMarshal.Cast<byte, ulong>(data))
        {
            state = BitOperations.Crc32C(state, word);
        }

        foreach (var one in data[(data.Length & ~7)..])
        {
            state = BitOperations.Crc32C(state, one);
        }

        return state;
    }

    private static uint Shift(uint[] table, uint crc) =>
        table[crc & 0xff] ^ table[256 + ((crc >> 8) & 0xff)] ^ table[512 + ((crc >> 16) & 0xff)] ^ table[768 + (crc >> 24)];

    /// <summary>Appending zeros is linear over the bits of the checksum, so four tables of 256 entries hold it for every value.</summary>
    private static uint[] BuildShiftTable(int zeroBytes)
    {
        Span<uint> perBit = stackalloc uint[32];
        for (var bit = 0; bit < 32; bit++)
        {
            var crc = 1u << bit;
            for (var i = 0; i < zeroBytes; i++)
            {
                crc = BitOperations.Crc32C(crc, (byte)0);
            }

            perBit[bit] = crc;
        }

        var table = new uint[1024];
        for (var i = 0; i < table.Length; i++)
        {
            for (var bit = 0; bit < 8; bit++)
            {
                if ((i & (1 << bit)) != 0)
                {
                    table[i] ^= perBit[((i >> 8) * 8) + bit];
                }
            }
        }

        return table;
    }
}
