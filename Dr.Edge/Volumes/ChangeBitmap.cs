using System.Numerics;

namespace Dr.Edge.Volumes;

/// <summary>A set of blocks, one bit each, in chunks that exist only where something was set.</summary>
internal sealed class ChangeBitmap(long blocks)
{
    private const int ChunkShift = 15;
    public const int ChunkBlocks = 1 << ChunkShift;
    private readonly ulong[]?[] _chunks = new ulong[(blocks + ChunkBlocks - 1) >> ChunkShift][];

    public long Blocks => blocks;

    public int ChunkCount => _chunks.Length;

    /// <summary>The bits of <see cref="ChunkBlocks"/> blocks; empty when none is set.</summary>
    public ReadOnlySpan<ulong> Chunk(int index) => _chunks[index];

    public void Add(int index, ReadOnlySpan<ulong> bits)
    {
        var chunk = _chunks[index] ??= new ulong[ChunkBlocks / 64];
        for (var i = 0; i < chunk.Length; i++)
        {
            chunk[i] |= bits[i];
        }
    }

    /// <summary>All of a set that is no larger.</summary>
    public void Add(ChangeBitmap other)
    {
        for (var i = 0; i < other.ChunkCount; i++)
        {
            if (!other.Chunk(i).IsEmpty)
            {
                Add(i, other.Chunk(i));
            }
        }
    }

    public void Set(long first, long count)
    {
        for (var block = first; block < first + count;)
        {
            var chunk = _chunks[block >> ChunkShift] ??= new ulong[ChunkBlocks / 64];
            var end = Math.Min(first + count, ((block >> ChunkShift) + 1) << ChunkShift);
            for (; block < end; block++)
            {
                if ((block & 63) == 0 && end - block >= 64)
                {
                    chunk[(block & (ChunkBlocks - 1)) >> 6] = ulong.MaxValue;
                    block += 63;
                    continue;
                }

                chunk[(block & (ChunkBlocks - 1)) >> 6] |= 1UL << (int)(block & 63);
            }
        }
    }

    /// <summary>Blocks beyond the end, which a volume that grew may be asked about, are not in the set.</summary>
    public bool Contains(long block) =>
        block < blocks && _chunks[block >> ChunkShift] is { } chunk && (chunk[(block & (ChunkBlocks - 1)) >> 6] & (1UL << (int)(block & 63))) != 0;

    /// <summary>First block at or after <paramref name="block"/> whose membership is not <paramref name="isSet"/>, at most <paramref name="end"/>.</summary>
    public long FindChange(long block, long end, bool isSet)
    {
        while (block < end)
        {
            var inside = block < blocks;
            var chunk = inside ? _chunks[block >> ChunkShift] : null;
            if (chunk is null)
            {
                if (isSet)
                {
                    return block;
                }

                block = inside ? ((block >> ChunkShift) + 1) << ChunkShift : end;
                continue;
            }

            var word = chunk[(block & (ChunkBlocks - 1)) >> 6];
            var differing = (isSet ? ~word : word) >> (int)(block & 63);
            if (differing != 0)
            {
                return Math.Min(block + BitOperations.TrailingZeroCount(differing), end);
            }

            block = (block | 63) + 1;
        }

        return end;
    }

    public List<BlockRange> ToRanges()
    {
        var ranges = new List<BlockRange>();
        for (var index = 0; index < _chunks.Length; index++)
        {
            if (_chunks[index] is not { } chunk)
            {
                continue;
            }

            for (var word = 0; word < chunk.Length; word++)
            {
                var bits = chunk[word];
                var first = ((long)index << ChunkShift) + (word * 64L);
                while (bits != 0)
                {
                    var skip = BitOperations.TrailingZeroCount(bits);
                    var run = Math.Min(BitOperations.TrailingZeroCount(~(bits >> skip)), 64 - skip);
                    Append(ranges, first + skip, run);
                    bits = skip + run == 64 ? 0 : bits & (ulong.MaxValue << (skip + run));
                }
            }
        }

        return ranges;
    }

    private static void Append(List<BlockRange> ranges, long first, long count)
    {
        if (ranges.Count > 0 && ranges[^1].First + ranges[^1].Count == first)
        {
            ranges[^1] = ranges[^1] with { Count = ranges[^1].Count + count };
        }
        else
        {
            ranges.Add(new BlockRange(first, count));
        }
    }
}
