using Dr.Edge.Volumes.Format;

namespace Dr.Edge.Volumes;

/// <summary>
/// Where the newest version of each block is: two levels, the second only where something was written; 12 bytes a block (8 for the location, 4 for the checksum that a read
/// is verified against, so that no read needs a second one for its checksum).
/// <para>One writer at a time (the volume's append lock); any number of readers without a lock. Readers see for each block a location and the checksum that belongs to it:
/// the writer marks the entry busy, writes the checksum, then the location; locations are never used twice while a file is open.</para>
/// </summary>
internal sealed class BlockMap
{
    public const int LeafBlocks = 512;
    private const int LeafShift = 9;
    private const ulong Busy = ulong.MaxValue;
    private Leaf?[] _leaves;

    public BlockMap(long blocks) => _leaves = new Leaf?[LeafCount(blocks)];

    /// <summary>Blocks that have a location (are not known to be zeros).</summary>
    public long MappedBlocks { get; private set; }

    public void Grow(long blocks)
    {
        var larger = new Leaf?[LeafCount(blocks)];
        _leaves.CopyTo(larger, 0);
        Volatile.Write(ref _leaves, larger);
    }

    /// <summary>The location of a block, <see cref="BlockLocation.Zero"/> when nothing was written there, and its checksum.</summary>
    public BlockLocation Get(long block, out uint checksum)
    {
        checksum = 0;
        var leaf = Volatile.Read(ref Volatile.Read(ref _leaves)[block >> LeafShift]);
        if (leaf is null)
        {
            return BlockLocation.Zero;
        }

        var index = (int)block & (LeafBlocks - 1);
        var spin = default(SpinWait);
        while (true)
        {
            var before = Volatile.Read(ref leaf.Locations[index]);
            checksum = Volatile.Read(ref leaf.Checksums[index]);
            if (before != Busy && Volatile.Read(ref leaf.Locations[index]) == before)
            {
                return new BlockLocation(before);
            }

            spin.SpinOnce();
        }
    }

    public void Set(long block, BlockLocation location, uint checksum)
    {
        var leaf = _leaves[block >> LeafShift];
        if (leaf is null)
        {
            leaf = new Leaf();
            Volatile.Write(ref _leaves[block >> LeafShift], leaf);
        }

        var index = (int)block & (LeafBlocks - 1);
        if (leaf.Locations[index] == 0)
        {
            MappedBlocks++;
        }

        Volatile.Write(ref leaf.Locations[index], Busy);
        Volatile.Write(ref leaf.Checksums[index], checksum);
        Volatile.Write(ref leaf.Locations[index], location.Value);
    }

    /// <summary>The blocks read as zeros.</summary>
    public void Clear(long first, long count)
    {
        var end = first + count;
        while (first < end)
        {
            var leafEnd = ((first >> LeafShift) + 1) << LeafShift;
            var leaf = _leaves[first >> LeafShift];
            if (leaf is not null)
            {
                for (var block = first; block < Math.Min(leafEnd, end); block++)
                {
                    ref var location = ref leaf.Locations[(int)block & (LeafBlocks - 1)];
                    if (location != 0)
                    {
                        MappedBlocks--;
                        Volatile.Write(ref location, 0);
                    }
                }

                // Whoever still holds the leaf sees only zeros in it, which is what a missing leaf says too.
                if (first == leafEnd - LeafBlocks && end >= leafEnd)
                {
                    Volatile.Write(ref _leaves[first >> LeafShift], null);
                }
            }

            first = leafEnd;
        }
    }

    /// <summary>First block at or after <paramref name="block"/> whose mapped state is not <paramref name="mapped"/>, at most <paramref name="end"/>; skips missing leaves as a whole.</summary>
    public long FindChange(long block, long end, bool mapped)
    {
        while (block < end)
        {
            var leaf = Volatile.Read(ref Volatile.Read(ref _leaves)[block >> LeafShift]);
            var leafEnd = Math.Min(((block >> LeafShift) + 1) << LeafShift, end);
            if (leaf is null)
            {
                if (mapped)
                {
                    return block;
                }

                block = leafEnd;
                continue;
            }

            for (; block < leafEnd; block++)
            {
                if ((Volatile.Read(ref leaf.Locations[(int)block & (LeafBlocks - 1)]) != 0) != mapped)
                {
                    return block;
                }
            }
        }

        return end;
    }

    private static int LeafCount(long blocks) => checked((int)((blocks + LeafBlocks - 1) >> LeafShift));

    private sealed class Leaf
    {
        public readonly ulong[] Locations = new ulong[LeafBlocks];
        public readonly uint[] Checksums = new uint[LeafBlocks];
    }
}
