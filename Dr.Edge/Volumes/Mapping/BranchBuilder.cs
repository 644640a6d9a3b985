using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Dr.Edge.Volumes.Format;

namespace Dr.Edge.Volumes.Mapping;

/// <summary>
/// Makes one branch of a map out of what layers say about it, oldest first. The leaves at work are dense and used again for the next branch, so that they stay in the processor's cache and each
/// leaf of the result is made once, in the size it needs: the cost is that of the entries, whatever order the layers wrote in. One thread at a time.
/// </summary>
internal sealed class BranchBuilder
{
    private static readonly ConcurrentBag<BranchBuilder> Idle = [];

    private readonly ulong[]?[] _scratch = new ulong[MapBranch.Leaves][];
    private readonly long[] _contentBefore = new long[MapBranch.Leaves];
    private readonly bool[] _touched = new bool[MapBranch.Leaves];
    private readonly byte[] _buffer = new byte[IndexSource.BufferBytes];
    private MapBranch? _under;
    private BaseImage? _base;
    private int _branch;
    private bool _isTouched;

    public static BranchBuilder Rent() => Idle.TryTake(out var builder) ? builder : new BranchBuilder();

    /// <summary>Back to those that wait; 3 MB each, so that no more wait than can work.</summary>
    public void Return()
    {
        (_under, _base) = (null, null);
        if (Idle.Count < Environment.ProcessorCount)
        {
            Idle.Add(this);
        }
    }

    /// <summary>The branch that <paramref name="sources"/> make over that of <paramref name="under"/>; false when they say nothing there.</summary>
    /// <param name="under">Asked for its branch only when one of the sources says something; null = nothing is mapped.</param>
    /// <param name="source">What unmapped blocks hold; null = zeros.</param>
    /// <param name="stamp">Of new leaves and of the branch.</param>
    /// <param name="contentDelta">By how much the number of blocks grows that may hold anything but zeros.</param>
    /// <exception cref="CorruptDataException">A layer's index and its batches are damaged.</exception>
    public bool TryBuild(int branch, IReadOnlyList<IndexSource> sources, BlockMap? under, BaseImage? source, long stamp, [NotNullWhen(true)] out MapBranch? built, out long contentDelta)
    {
        (_branch, _isTouched, _under, _base) = (branch, false, null, source);
        Array.Clear(_touched);
        var first = (long)branch << BlockMap.BranchShift;
        for (var i = 0; i < sources.Count; i++)
        {
            Apply(sources[i], first, first + (1L << BlockMap.BranchShift), under);
        }

        contentDelta = 0;
        built = _isTouched ? Commit(first, stamp, out contentDelta) : null;
        return built is not null;
    }

    private void Apply(IndexSource source, long first, long end, BlockMap? under)
    {
        var (piece, endPiece) = source.Find(first, end);
        while (piece < endPiece)
        {
            var next = Math.Min(piece + IndexSource.ReadPieces, endPiece);
            if (!source.TryRead(piece, next, _buffer, out var entries))
            {
                // What was applied of it was right, and comes again.
                (piece, endPiece) = source.Find(first, end);
                continue;
            }

            Apply(entries.Span, source, first, end, under);
            piece = next;
        }
    }

    private void Apply(ReadOnlySpan<byte> entries, IndexSource source, long first, long end, BlockMap? under)
    {
        var slot = source.Slot;
        for (; !entries.IsEmpty; entries = entries[LayerIndex.EntryBytes..])
        {
            var entry = LayerIndex.Entry.Read(entries);
            if (entry.FirstBlock >= end)
            {
                return;
            }

            if (entry.FirstBlock + entry.BlockCount <= first || source.HasMoved(entry))
            {
                continue;
            }

            if (!_isTouched)
            {
                _isTouched = true;
                _under = under?.Branch(_branch);
            }

            if (entry.IsZero)
            {
                Clear(Math.Max(entry.FirstBlock, first), Math.Min(entry.FirstBlock + entry.BlockCount, end), BlockLocation.ZeroIn(slot));
                continue;
            }

            var leaf = LeafFor(entry.FirstBlock);
            var index = (int)entry.FirstBlock & (MapLeaf.Blocks - 1);
            MapLeaf.DenseLocation(leaf, index) = new BlockLocation(slot, entry.FileOffset).Value;
            MapLeaf.DenseChecksum(leaf, index) = entry.Checksum;
        }
    }

    /// <summary>Zeros that the base's hole says already need no entry.</summary>
    private void Clear(long block, long end, BlockLocation zero)
    {
        while (block < end)
        {
            var leafEnd = Math.Min((block | (MapLeaf.Blocks - 1)) + 1, end);
            var index = MapBranch.LeafIndex(block);
            if (!_touched[index] && _under?[index] is null && (_base is null || _base.Present.Find(block, leafEnd, present: true) >= leafEnd))
            {
                block = leafEnd;
                continue;
            }

            for (var leaf = LeafFor(block); block < leafEnd; block++)
            {
                ref var location = ref MapLeaf.DenseLocation(leaf, (int)block & (MapLeaf.Blocks - 1));
                var old = new BlockLocation(location);
                if (old.IsData || (old.IsUnmapped && _base is not null && _base.Present.Has(block)))
                {
                    location = zero.Value;
                }
            }
        }
    }

    private ulong[] LeafFor(long block)
    {
        var index = MapBranch.LeafIndex(block);
        var scratch = _scratch[index] ??= MapLeaf.NewDense(0);
        if (!_touched[index])
        {
            _touched[index] = true;
            var first = block & ~(MapLeaf.Blocks - 1L);
            if (_under?[index] is { } present)
            {
                MapLeaf.Expand(present, scratch);
                _contentBefore[index] = CountContent(scratch, first);
            }
            else
            {
                MapLeaf.Reset(scratch);
                _contentBefore[index] = _base?.Present.Count(first, first + MapLeaf.Blocks) ?? 0;
            }
        }

        return scratch;
    }

    /// <summary>Each leaf gets its final shape.</summary>
    private MapBranch Commit(long first, long stamp, out long contentDelta)
    {
        var branch = new MapBranch { Stamp = stamp };
        _under?.CopyTo(branch);
        contentDelta = 0;
        for (var index = 0; index < MapBranch.Leaves; index++)
        {
            if (_touched[index])
            {
                var dense = _scratch[index]!;
                branch[index] = MapLeaf.Pack(dense, stamp);
                contentDelta += CountContent(dense, first + ((long)index << BlockMap.LeafShift)) - _contentBefore[index];
            }
        }

        return branch;
    }

    private long CountContent(ulong[] dense, long first)
    {
        var count = MapLeaf.CountData(dense);
        if (_base?.Present.MayHaveNear(first) ?? false)
        {
            for (var block = _base.Present.Find(first, first + MapLeaf.Blocks, present: true); block < first + MapLeaf.Blocks; block = _base.Present.Find(block + 1, first + MapLeaf.Blocks, present: true))
            {
                count += MapLeaf.DenseLocation(dense, (int)(block - first)) == 0 ? 1 : 0;
            }
        }

        return count;
    }
}
