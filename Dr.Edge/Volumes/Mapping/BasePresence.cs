using System.Numerics;

namespace Dr.Edge.Volumes.Mapping;

/// <summary>
/// Which blocks the base has: a bit a block, in chunks that exist only where it has something (32 MiB for a full TiB). One writer (the merge); any number of readers without a lock.
/// </summary>
internal sealed class BasePresence
{
    /// <summary>As many blocks as a branch of a <see cref="BlockMap"/> has.</summary>
    public const int ChunkShift = 18;
    private const int ChunkBlocks = 1 << ChunkShift;
    private ulong[]?[] _chunks = [];

    public bool Has(long block)
    {
        var chunk = Chunk(block);
        return chunk is not null && (Volatile.Read(ref chunk[(block & (ChunkBlocks - 1)) >> 6]) & (1UL << (int)block)) != 0;
    }

    /// <summary>False when none of the blocks around <paramref name="block"/> that share its chunk is there.</summary>
    public bool MayHaveNear(long block) => Chunk(block) is not null;

    public void Set(long block)
    {
        var index = block >> ChunkShift;
        if (index >= _chunks.Length)
        {
            var larger = new ulong[]?[Math.Max(_chunks.Length * 2, index + 1)];
            _chunks.CopyTo(larger, 0);
            Volatile.Write(ref _chunks, larger);
        }

        var chunk = _chunks[index];
        if (chunk is null)
        {
            chunk = new ulong[ChunkBlocks / 64];
            Volatile.Write(ref _chunks[index], chunk);
        }

        ref var word = ref chunk[(block & (ChunkBlocks - 1)) >> 6];
        Volatile.Write(ref word, word | (1UL << (int)block));
    }

    public void Clear(long block)
    {
        if (Chunk(block) is { } chunk)
        {
            ref var word = ref chunk[(block & (ChunkBlocks - 1)) >> 6];
            Volatile.Write(ref word, word & ~(1UL << (int)block));
        }
    }

    /// <summary>First block at or after <paramref name="block"/> that is there (or, with <paramref name="present"/> false, is not), at most <paramref name="end"/>.</summary>
    public long Find(long block, long end, bool present)
    {
        while (block < end)
        {
            if (Chunk(block) is not { } chunk)
            {
                if (!present)
                {
                    return block;
                }

                block = ((block >> ChunkShift) + 1) << ChunkShift;
                continue;
            }

            var word = Volatile.Read(ref chunk[(block & (ChunkBlocks - 1)) >> 6]);
            var wanted = (present ? word : ~word) >> (int)(block & 63);
            if (wanted != 0)
            {
                return Math.Min(block + BitOperations.TrailingZeroCount(wanted), end);
            }

            block = (block | 63) + 1;
        }

        return end;
    }

    /// <summary>How many blocks of the range are there.</summary>
    public long Count(long first, long end)
    {
        long count = 0;
        for (var block = Find(first, end, present: true); block < end;)
        {
            var gap = Find(block, end, present: false);
            count += gap - block;
            block = Find(gap, end, present: true);
        }

        return count;
    }

    private ulong[]? Chunk(long block)
    {
        var chunks = Volatile.Read(ref _chunks);
        var index = block >> ChunkShift;
        return index < chunks.Length ? Volatile.Read(ref chunks[index]) : null;
    }
}
