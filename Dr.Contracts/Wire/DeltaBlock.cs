using System.Numerics;

namespace Dr.Contracts.Wire;

/// <summary>
/// One block of a delta: which of its eight 512-byte units differ from the base (bit 0 = first unit), their bytes, and the checksum of the whole block
/// that must result. An empty mask means that the block reads as zeros now.
/// </summary>
public readonly ref struct DeltaBlock(long block, byte mask, uint resultCrc, ReadOnlySpan<byte> units)
{
    public long Block { get; } = block;

    public byte Mask { get; } = mask;

    /// <summary>CRC32C of the 4096 bytes after merging.</summary>
    public uint ResultCrc { get; } = resultCrc;

    /// <summary>The differing units, one after the other.</summary>
    public ReadOnlySpan<byte> Units { get; } = units;

    /// <summary>Turns the base's block into the target's, in place. False when the result is not what the source has: the base was wrong.</summary>
    public bool TryMerge(Span<byte> content)
    {
        if (Mask == 0)
        {
            content.Clear();
        }

        // Neighbouring units are one piece in both.
        var rest = Units;
        for (uint left = Mask; left != 0;)
        {
            var first = BitOperations.TrailingZeroCount(left);
            var count = BitOperations.TrailingZeroCount(~(left >> first));
            var length = count * DeltaCodec.UnitBytes;
            rest[..length].CopyTo(content[(first * DeltaCodec.UnitBytes)..]);
            rest = rest[length..];
            left &= ~(((1u << count) - 1) << first);
        }

        return Crc32C.Compute(content[..DeltaCodec.BlockBytes]) == ResultCrc;
    }
}
