using System.Buffers.Binary;
using System.Numerics;

namespace Dr.Contracts.Wire;

/// <summary>CRC-32C (Castagnoli) with the usual inversion at both ends.</summary>
public static class Crc32C
{
    public static uint Compute(ReadOnlySpan<byte> data) => ~Append(uint.MaxValue, data);

    /// <summary>Goes on with an uninverted state: start with <see cref="uint.MaxValue"/>, invert the last result.</summary>
    public static uint Append(uint state, ReadOnlySpan<byte> data)
    {
        while (data.Length >= sizeof(ulong))
        {
            state = BitOperations.Crc32C(state, BinaryPrimitives.ReadUInt64LittleEndian(data));
            data = data[sizeof(ulong)..];
        }

        foreach (var b in data)
        {
            state = BitOperations.Crc32C(state, b);
        }

        return state;
    }
}
