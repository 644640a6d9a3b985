using System.Runtime.CompilerServices;

namespace Dr.Edge.Volumes.Mapping;

/// <summary>
/// Where the newest version of each block is, with the checksum a read is verified against, so that no read needs a second look-up. Three levels: branches of 2^18 blocks, leaves
/// (<see cref="MapLeaf"/>) of 512; the lower two only where a layer wrote something. What the base holds is not in the map: memory grows with what changed.
/// <para>One writer at a time (the volume's append lock); any number of readers without a lock. Readers see for each block a location and the checksum that belongs to it; locations are never used
/// twice while a file is open.</para>
/// <para><see cref="Snapshot"/> costs a few kilobytes whatever the map holds: both maps then share branches and leaves, told by their stamps, and each copies what it is about to change for as
/// long as the other needs it.</para>
/// <list type="bullet">
/// <item>An unmapped block is one that no layer still to be merged changed, except from zeros to zeros: what the base says of it holds.</item>
/// <item>A branch or leaf is changed in place only when its stamp is higher than that of every snapshot that is still in use.</item>
/// </list>
/// </summary>
internal sealed class BlockMap : IDisposable
{
    public const int LeafShift = 9;
    public const int BranchShift = BasePresence.ChunkShift;
    public const int CopiedStep = 256;
    private const int BranchLeaves = 1 << (BranchShift - LeafShift);

    private readonly Lock _shareLock = new(); // Guards _shares and both stamps; taken under the append lock and alone.
    private readonly List<MapShare> _shares = [];
    private readonly MapShare? _share;
    private Branch?[] _branches;
    private long _stamp = 1;
    private long _sharedUpTo;
    private ulong[]? _zeroLeaf;
    private long _mappedBlocks;
    private int _disposed;

    /// <param name="source">What unmapped blocks hold; null = zeros.</param>
    public BlockMap(long blocks, BaseImage? source = null)
    {
        Base = source;
        _branches = new Branch?[BranchCount(blocks)];
        _mappedBlocks = source?.Blocks ?? 0;
    }

    private BlockMap(BlockMap origin, MapShare share, Branch?[] branches, long mappedBlocks)
    {
        Base = origin.Base;
        _share = share;
        _branches = branches;
        _stamp = share.Stamp + 1;
        _sharedUpTo = share.Stamp;
        _mappedBlocks = mappedBlocks;
    }

    public BaseImage? Base { get; }

    /// <summary>Blocks that are not known to be zeros.</summary>
    public long MappedBlocks => Volatile.Read(ref _mappedBlocks);

    /// <summary>Leaves that were copied because a snapshot needed the old one; what snapshots cost is counted with it.</summary>
    public long CopiedLeaves { get; private set; }

    /// <summary>Called by the writer, under its lock, each time <see cref="CopiedLeaves"/> has grown by so many.</summary>
    public Action? Copied { get; set; }

    public void Grow(long blocks)
    {
        var count = BranchCount(blocks);
        if (count > _branches.Length)
        {
            var larger = new Branch?[count];
            _branches.CopyTo(larger, 0);
            Volatile.Write(ref _branches, larger);
        }
    }

    /// <summary>The location of a block and its checksum.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public BlockLocation Get(long block, out uint checksum)
    {
        if (FindLeaf(block) is { } leaf)
        {
            return new BlockLocation(MapLeaf.Read(leaf, (int)block & (MapLeaf.Blocks - 1), out checksum));
        }

        checksum = 0;
        return BlockLocation.Unmapped;
    }

    public bool IsInBase(long block) => Base is { } source && source.Present.Has(block);

    /// <summary>Whether a block with this location may hold anything but zeros.</summary>
    public bool IsContent(long block, BlockLocation location) => location.IsData || (location.IsUnmapped && IsInBase(block));

    public void Set(long block, BlockLocation location, uint checksum)
    {
        var leaf = FindLeaf(block);
        var index = (int)block & (MapLeaf.Blocks - 1);
        var old = new BlockLocation(leaf is null ? 0 : MapLeaf.Peek(leaf, index));
        if (!old.IsData && !IsContent(block, old))
        {
            _mappedBlocks++;
        }

        if (leaf is null || (long)leaf[MapLeaf.Stamp] <= _sharedUpTo || !MapLeaf.TrySet(leaf, index, location.Value, checksum))
        {
            SetSlowly(block, location.Value, checksum);
        }
    }

    /// <summary>The blocks read as zeros, because the layer in <paramref name="slot"/> says so.</summary>
    public void Clear(long first, long count, int slot)
    {
        for (var end = first + count; first < end;)
        {
            var leafEnd = ((first >> LeafShift) + 1) << LeafShift;
            var branch = _branches[first >> BranchShift];
            if (branch is null && !(Base?.Present.MayHaveNear(first) ?? false))
            {
                first = ((first >> BranchShift) + 1) << BranchShift;
                continue;
            }

            ClearInLeaf(branch?[LeafIndex(first)], first, Math.Min(leafEnd, end), slot);
            first = leafEnd;
        }
    }

    /// <summary>First block at or after <paramref name="block"/> that may hold something but zeros (<paramref name="content"/>; else that holds zeros), at most <paramref name="end"/>.</summary>
    public long Find(long block, long end, bool content)
    {
        while (block < end)
        {
            var branch = Volatile.Read(ref Volatile.Read(ref _branches)[block >> BranchShift]);
            var leaf = branch is null ? null : Volatile.Read(ref branch[LeafIndex(block)]);
            if (leaf is null)
            {
                var gapEnd = Math.Min(branch is null ? ((block >> BranchShift) + 1) << BranchShift : ((block >> LeafShift) + 1) << LeafShift, end);
                var found = Base is { } source ? source.Present.Find(block, gapEnd, content) : content ? gapEnd : block;
                if (found < gapEnd)
                {
                    return found;
                }

                block = gapEnd;
                continue;
            }

            var leafEnd = Math.Min(((block >> LeafShift) + 1) << LeafShift, end);
            var onlyEntries = content && (Base is not { } present || present.Present.Find(block, leafEnd, present: true) >= leafEnd);
            for (; block < leafEnd; block++)
            {
                if (onlyEntries && (block = (block & ~(MapLeaf.Blocks - 1L)) + MapLeaf.NextEntry(leaf, (int)block & (MapLeaf.Blocks - 1))) >= leafEnd)
                {
                    // The last leaf may end behind what was asked for.
                    block = leafEnd;
                    break;
                }

                if (IsContent(block, new BlockLocation(MapLeaf.Read(leaf, (int)block & (MapLeaf.Blocks - 1), out _))) == content)
                {
                    return block;
                }
            }
        }

        return end;
    }

    /// <summary>First block at or after <paramref name="block"/> whose state is not <paramref name="mapped"/> (content, or zeros), at most <paramref name="end"/>.</summary>
    public long FindChange(long block, long end, bool mapped) => Find(block, end, !mapped);

    /// <summary>
    /// What the layer in <paramref name="slot"/> says is in the base now: the leaf around <paramref name="block"/> lets go of it. The layer must be the oldest one, so that what it says here is its last word.
    /// </summary>
    public void Forget(long block, int slot, long before = long.MaxValue)
    {
        if (FindLeaf(block) is not { } leaf)
        {
            return;
        }

        var dense = MapLeaf.NewDense(_stamp);
        MapLeaf.Expand(leaf, dense);
        for (var index = 0; index < MapLeaf.Blocks; index++)
        {
            ref var location = ref MapLeaf.DenseLocation(dense, index);
            if (new BlockLocation(location) is var at && location != 0 && at.Slot == slot && (before == long.MaxValue || (at.IsData && at.Offset < before)))
            {
                location = 0;
            }
        }

        Put(block, MapLeaf.Pack(dense, _stamp));
    }

    /// <summary>Where a block's data lies now, when it still lies at <paramref name="expected"/>: the same content in another file.</summary>
    public bool Move(long block, BlockLocation expected, BlockLocation location)
    {
        if (Get(block, out var checksum) != expected)
        {
            return false;
        }

        Set(block, location, checksum);
        return true;
    }

    /// <summary>
    /// The map as it is at this moment, for itself. Under the writer's lock, or of a map that nobody writes. Dispose it when nobody reads it any more.
    /// </summary>
    public BlockMap Snapshot()
    {
        lock (_shareLock)
        {
            var share = new MapShare(this, _stamp, _share?.AddUser());
            _shares.Add(share);
            _sharedUpTo = _stamp++;
            return new BlockMap(this, share, (Branch?[])_branches.Clone(), _mappedBlocks);
        }
    }

    /// <summary>An empty map that may be given leaves of this snapshot; dispose both.</summary>
    public BlockMap EmptySibling(long blocks)
    {
        Invariant.Require(_share is not null, "only a snapshot's leaves can be shared");
        return new BlockMap(this, _share!.AddUser(), new Branch?[BranchCount(blocks)], Base?.Blocks ?? 0);
    }

    /// <summary>The leaf around <paramref name="block"/>; null when nothing is mapped there. For the writer, and for maps that nobody changes.</summary>
    public ulong[]? Leaf(long block) => FindLeaf(block);

    /// <summary>Puts a leaf in place as a whole (null: nothing is mapped there), the count of mapped blocks grown by <paramref name="mappedDelta"/>.</summary>
    public void PutLeaf(long block, ulong[]? leaf, long mappedDelta)
    {
        Put(block, leaf);
        _mappedBlocks += mappedDelta;
    }

    /// <summary>The stamp of leaves made for this map now.</summary>
    public long NewStamp => _stamp;

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            _share?.Release();
        }
    }

    internal void EndShare(MapShare share)
    {
        lock (_shareLock)
        {
            _shares.Remove(share);
            _sharedUpTo = _shares.Count > 0 ? _shares[^1].Stamp : _share?.Stamp ?? 0;
        }
    }

    private static int BranchCount(long blocks) => checked((int)((blocks + (1L << BranchShift) - 1) >> BranchShift));

    private static int LeafIndex(long block) => (int)(block >> LeafShift) & (BranchLeaves - 1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong[]? FindLeaf(long block)
    {
        var branch = Volatile.Read(ref Volatile.Read(ref _branches)[block >> BranchShift]);
        return branch is null ? null : Volatile.Read(ref branch[LeafIndex(block)]);
    }

    /// <summary>The leaf has no room, belongs to a snapshot too, or is not there.</summary>
    private void SetSlowly(long block, ulong location, uint checksum)
    {
        var leaf = OwnLeaf(block);
        while (!MapLeaf.TrySet(leaf, (int)block & (MapLeaf.Blocks - 1), location, checksum))
        {
            leaf = MapLeaf.Enlarge(leaf, _stamp);
            Put(block, leaf);
        }
    }

    private ulong[] OwnLeaf(long block)
    {
        var leaf = FindLeaf(block);
        if (leaf is not null && (long)leaf[MapLeaf.Stamp] > _sharedUpTo)
        {
            return leaf;
        }

        var own = leaf is null ? MapLeaf.NewSmall(_stamp) : MapLeaf.Copy(leaf, _stamp);
        Put(block, own);
        if (leaf is not null && ++CopiedLeaves % CopiedStep == 0)
        {
            Copied?.Invoke();
        }

        return own;
    }

    private void ClearInLeaf(ulong[]? leaf, long first, long end, int slot)
    {
        var zero = BlockLocation.ZeroIn(slot);
        if (leaf is null && (Base is not { } source || source.Present.Find(first, end, present: true) >= end))
        {
            return;
        }

        long content = 0;
        var needed = false;
        for (var block = first; block < end; block++)
        {
            var location = new BlockLocation(leaf is null ? 0 : MapLeaf.Peek(leaf, (int)block & (MapLeaf.Blocks - 1)));
            content += IsContent(block, location) ? 1 : 0;
            needed |= NeedsZero(block, location);
        }

        if (!needed)
        {
            return;
        }

        if (end - first == MapLeaf.Blocks)
        {
            // Nobody ever changes this one in place, so that it may stand for any number of leaves.
            if (_zeroLeaf is null || MapLeaf.Peek(_zeroLeaf, 0) != zero.Value)
            {
                _zeroLeaf = MapLeaf.NewUniform(stamp: 0, zero);
            }

            Put(first, _zeroLeaf);
        }
        else
        {
            for (var block = first; block < end; block++)
            {
                leaf = FindLeaf(block);
                if (NeedsZero(block, new BlockLocation(leaf is null ? 0 : MapLeaf.Peek(leaf, (int)block & (MapLeaf.Blocks - 1)))))
                {
                    SetSlowly(block, zero.Value, 0);
                }
            }
        }

        _mappedBlocks -= content;
    }

    /// <summary>Zeros that an older layer or the base's hole says already need no entry.</summary>
    private bool NeedsZero(long block, BlockLocation location) => location.IsData || (location.IsUnmapped && IsInBase(block));

    private void Put(long block, ulong[]? leaf)
    {
        ref var slot = ref _branches[block >> BranchShift];
        var branch = slot;
        if (branch is null || branch.Stamp <= _sharedUpTo)
        {
            if (branch is null && leaf is null)
            {
                return;
            }

            // Filled before it is seen: readers take no lock.
            var own = new Branch { Stamp = _stamp };
            branch?.CopyTo(own);
            own[LeafIndex(block)] = leaf;
            Volatile.Write(ref slot, own);
            return;
        }

        Volatile.Write(ref branch[LeafIndex(block)], leaf);
    }

    private sealed class Branch
    {
        private Slots _leaves;

        public long Stamp { get; init; }

        public ref ulong[]? this[int index] => ref _leaves[index];

        public void CopyTo(Branch other) => other._leaves = _leaves;

        [InlineArray(BranchLeaves)]
        private struct Slots
        {
            private ulong[]? _first;
        }
    }
}
