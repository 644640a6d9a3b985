using Dr.Edge.Volumes.Format;

namespace Dr.Edge.Volumes.Mapping;

/// <summary>
/// Puts whole sealed layers over a map, from their indexes. All indexes are read side by side, a branch of the map at a time, so that the leaves at work stay in the processor's cache and each is
/// made once, in the size it needs: the cost is that of reading the indexes, whatever order the layers wrote in.
/// </summary>
internal sealed class MapBuilder
{
    /// <summary>All cursors together.</summary>
    public const int BufferBytes = 16 * 1024 * 1024;
    private const int MaxCursorBytes = 256 * 1024;
    private const int MinCursorBytes = 16 * 1024;
    private const int BranchLeaves = 1 << (BlockMap.BranchShift - BlockMap.LeafShift);

    private readonly BlockMap _target;
    private readonly BlockMap? _reference;
    private readonly ulong[]?[] _scratch = new ulong[BranchLeaves][];
    private readonly long[] _contentBefore = new long[BranchLeaves];
    private readonly bool[] _touched = new bool[BranchLeaves];

    private MapBuilder(BlockMap target, BlockMap? reference)
    {
        _target = target;
        _reference = reference;
    }

    /// <summary>The map that <paramref name="start"/> makes with <paramref name="layers"/> (sealed, oldest first) over it.</summary>
    /// <param name="start">Called again when an index turns out damaged: what was built from it is thrown away and its layer's batches are read instead.</param>
    /// <param name="reference">A snapshot whose leaves are taken where they say the same, so that maps of different moments share memory; the map must be its <see cref="BlockMap.EmptySibling"/>.</param>
    /// <exception cref="CorruptDataException">A layer whose index is of no use has a damaged batch too.</exception>
    public static BlockMap Build(Func<BlockMap> start, IReadOnlyList<Layer> layers, ManifestState state, BlockMap? reference)
    {
        var damaged = new HashSet<Layer>();
        while (true)
        {
            var map = start();
            try
            {
                if (layers.Count == 0)
                {
                    return map;
                }

                var bufferBytes = Math.Clamp(BufferBytes / layers.Count, MinCursorBytes, MaxCursorBytes);
                IndexCursor[] cursors = [.. layers.Select(layer =>
                    (damaged.Contains(layer) ? null : IndexCursor.TryOpen(layer, state, bufferBytes)) ?? IndexCursor.FromBatches(layer, state))];
                new MapBuilder(map, reference).Apply(cursors);
                if (Array.TrueForAll(cursors, cursor => cursor.IsIntact))
                {
                    foreach (var cursor in cursors)
                    {
                        cursor.Layer.IsIndexed |= cursor.IsInFile;
                    }

                    return map;
                }

                foreach (var cursor in cursors.Where(cursor => !cursor.IsIntact))
                {
                    cursor.Layer.IsIndexed = false;
                }

                damaged.UnionWith(cursors.Where(cursor => !cursor.IsIntact).Select(cursor => cursor.Layer));
            }
            catch
            {
                map.Dispose();
                throw;
            }

            map.Dispose();
        }
    }

    private void Apply(IndexCursor[] cursors)
    {
        while (true)
        {
            var next = long.MaxValue;
            foreach (var cursor in cursors)
            {
                next = Math.Min(next, cursor.NextBlock);
            }

            if (next == long.MaxValue)
            {
                return;
            }

            var first = next & ~((1L << BlockMap.BranchShift) - 1);
            foreach (var cursor in cursors)
            {
                while (cursor.TryTake(first + (1L << BlockMap.BranchShift), out var entry))
                {
                    Apply(entry, cursor.Slot);
                }
            }

            Commit(first);
        }
    }

    private void Apply(in LayerIndex.Entry entry, int slot)
    {
        if (!entry.IsZero)
        {
            var leaf = LeafFor(entry.FirstBlock);
            var index = (int)entry.FirstBlock & (MapLeaf.Blocks - 1);
            MapLeaf.DenseLocation(leaf, index) = new BlockLocation(slot, entry.FileOffset).Value;
            MapLeaf.DenseChecksum(leaf, index) = entry.Checksum;
            return;
        }

        var zero = BlockLocation.ZeroIn(slot).Value;
        for (long block = entry.FirstBlock, end = entry.FirstBlock + entry.BlockCount; block < end;)
        {
            var leafEnd = Math.Min((block | (MapLeaf.Blocks - 1)) + 1, end);
            if (!_touched[LeafIndex(block)] && _target.Leaf(block) is null && (_target.Base is not { } source || source.Present.Find(block, leafEnd, present: true) >= leafEnd))
            {
                block = leafEnd;
                continue;
            }

            for (var leaf = LeafFor(block); block < leafEnd; block++)
            {
                ref var location = ref MapLeaf.DenseLocation(leaf, (int)block & (MapLeaf.Blocks - 1));
                var old = new BlockLocation(location);
                if (old.IsData || (old.IsUnmapped && _target.IsInBase(block)))
                {
                    location = zero;
                }
            }
        }
    }

    private ulong[] LeafFor(long block)
    {
        var index = LeafIndex(block);
        var scratch = _scratch[index] ??= MapLeaf.NewDense(0);
        if (!_touched[index])
        {
            _touched[index] = true;
            if (_target.Leaf(block) is { } present)
            {
                MapLeaf.Expand(present, scratch);
            }
            else
            {
                MapLeaf.Reset(scratch);
            }

            _contentBefore[index] = CountContent(scratch, block);
        }

        return scratch;
    }

    /// <summary>The branch is done: each leaf gets its final shape, or is taken from the reference.</summary>
    private void Commit(long first)
    {
        for (var index = 0; index < BranchLeaves; index++)
        {
            if (!_touched[index])
            {
                continue;
            }

            _touched[index] = false;
            var block = first + ((long)index << BlockMap.LeafShift);
            var dense = _scratch[index]!;
            var packed = MapLeaf.Pack(dense, _target.NewStamp);
            var leaf = packed is not null && _reference?.Leaf(block) is { } other && MapLeaf.IsSame(packed, other) ? other : packed;
            _target.PutLeaf(block, leaf, CountContent(dense, block) - _contentBefore[index]);
        }
    }

    private long CountContent(ulong[] dense, long block)
    {
        var first = block & ~(MapLeaf.Blocks - 1L);
        long count = 0;
        var inBase = _target.Base?.Present.MayHaveNear(first) ?? false;
        for (var index = 0; index < MapLeaf.Blocks; index++)
        {
            var location = new BlockLocation(MapLeaf.DenseLocation(dense, index));
            count += location.IsData || (inBase && location.IsUnmapped && _target.IsInBase(first + index)) ? 1 : 0;
        }

        return count;
    }

    private static int LeafIndex(long block) => (int)(block >> BlockMap.LeafShift) & (BranchLeaves - 1);
}
