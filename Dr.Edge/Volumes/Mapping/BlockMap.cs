using System.Runtime.CompilerServices;

namespace Dr.Edge.Volumes.Mapping;

/// <summary>
/// Where the newest version of each block is, with the checksum a read is verified against, so that no read needs a second look-up. Three levels: branches (<see cref="MapBranch"/>) of 2^18 blocks,
/// leaves (<see cref="MapLeaf"/>) of 512; the lower two only where a layer wrote something. What the base holds is not in the map: memory grows with what changed. A map made of the past
/// (<see cref="PastMap"/>) has the branches of that where it has none of its own.
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

    private readonly Lock _shareLock = new(); // Guards _shares and both stamps; taken under the append lock and alone.
    private readonly List<MapShare> _shares = [];
    private readonly MapShare? _share;
    private readonly PastMap? _past;
    private readonly long _floor; // Nothing with this stamp or a lower one is ever this map's own.
    private MapBranch?[] _branches;
    private long _stamp = 1;
    private long _sharedUpTo;
    private ulong[]? _zeroLeaf;
    private ulong[]? _forgetting;
    private long _mappedBlocks;
    private int _disposed;

    /// <param name="source">What unmapped blocks hold; null = zeros.</param>
    public BlockMap(long blocks, BaseImage? source = null)
    {
        Base = source;
        _branches = new MapBranch?[MapBranch.CountFor(blocks)];
        _mappedBlocks = source?.Blocks ?? 0;
    }

    /// <param name="past">What it says until somebody changes it; given back with the map.</param>
    public BlockMap(PastMap past)
    {
        Base = past.Base;
        _past = past;
        _branches = new MapBranch?[past.Branches];
        Array.Fill(_branches, MapBranch.Unbuilt);
        _floor = past.Stamp;
        _sharedUpTo = _floor;
        _stamp = _floor + 1;
    }

    private BlockMap(BlockMap origin, MapShare share, MapBranch?[] branches, long mappedBlocks)
    {
        Base = origin.Base;
        _share = share;
        _past = origin._past?.AddUser();
        _branches = branches;
        _floor = share.Stamp;
        _sharedUpTo = _floor;
        _stamp = _floor + 1;
        _mappedBlocks = mappedBlocks;
    }

    public BaseImage? Base { get; }

    /// <summary>Blocks that are not known to be zeros. Of a map made of a long past it is an upper bound until everything has been looked at.</summary>
    public long MappedBlocks => Volatile.Read(ref _mappedBlocks) + (_past?.ContentBlocks ?? 0);

    public int Branches => Volatile.Read(ref _branches).Length;

    /// <summary>Branches that were made to be looked at; 0 for a map that has all of its own.</summary>
    public long BuiltBranches => _past?.Built ?? 0;

    /// <summary>No leaf or branch of a map that nobody changes has a higher stamp.</summary>
    public long SharedUpTo => _sharedUpTo;

    /// <summary>Leaves that were copied because a snapshot needed the old one; what snapshots cost is counted with it.</summary>
    public long CopiedLeaves { get; private set; }

    /// <summary>Called by the writer, under its lock, each time <see cref="CopiedLeaves"/> has grown by so many.</summary>
    public Action? Copied { get; set; }

    public void Grow(long blocks)
    {
        var count = MapBranch.CountFor(blocks);
        if (count > _branches.Length)
        {
            var larger = new MapBranch?[count];
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
            var branch = Branch((int)(first >> BranchShift));
            if (branch is null && !(Base?.Present.MayHaveNear(first) ?? false))
            {
                first = ((first >> BranchShift) + 1) << BranchShift;
                continue;
            }

            ClearInLeaf(branch?[MapBranch.LeafIndex(first)], first, Math.Min(leafEnd, end), slot);
            first = leafEnd;
        }
    }

    /// <summary>First block at or after <paramref name="block"/> that may hold something but zeros (<paramref name="content"/>; else that holds zeros), at most <paramref name="end"/>.</summary>
    public long Find(long block, long end, bool content)
    {
        while (block < end)
        {
            var branch = Branch((int)(block >> BranchShift));
            var leaf = branch is null ? null : Volatile.Read(ref branch[MapBranch.LeafIndex(block)]);
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

        var dense = _forgetting ??= MapLeaf.NewDense(0);
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
            return new BlockMap(this, share, (MapBranch?[])_branches.Clone(), _mappedBlocks);
        }
    }

    /// <summary>A branch for reading; null when nothing is mapped there.</summary>
    public MapBranch? Branch(int index)
    {
        var branches = Volatile.Read(ref _branches);
        var branch = index < branches.Length ? Volatile.Read(ref branches[index]) : null;
        branch = ReferenceEquals(branch, MapBranch.Unbuilt) ? _past!.Get(index) : branch;
        return ReferenceEquals(branch, MapBranch.Empty) ? null : branch;
    }

    /// <summary>Puts a branch in place as a whole, the count of mapped blocks grown by <paramref name="mappedDelta"/>. Before anybody else uses the map; different branches by different threads.</summary>
    public void PutBranch(int index, MapBranch branch, long mappedDelta)
    {
        Volatile.Write(ref _branches[index], branch);
        Interlocked.Add(ref _mappedBlocks, mappedDelta);
    }

    /// <summary>Has what the past says of these blocks ready, so that whoever changes them under a lock need not wait for the disk. Does nothing for other maps.</summary>
    public void Prepare(long first, long count)
    {
        for (var index = (int)(first >> BranchShift); _past is not null && count > 0 && index <= (int)((first + count - 1) >> BranchShift); index++)
        {
            _ = Branch(index);
        }
    }

    /// <summary>The stamp of leaves made for this map now.</summary>
    public long NewStamp => _stamp;

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            _share?.Release();
            _past?.Release();
        }
    }

    internal void EndShare(MapShare share)
    {
        lock (_shareLock)
        {
            _shares.Remove(share);
            _sharedUpTo = _shares.Count > 0 ? _shares[^1].Stamp : _floor;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong[]? FindLeaf(long block)
    {
        var branch = Volatile.Read(ref Volatile.Read(ref _branches)[block >> BranchShift]);
        return branch is null ? null : Volatile.Read(ref branch[MapBranch.LeafIndex(block)]) ?? (ReferenceEquals(branch, MapBranch.Unbuilt) ? PastLeaf(block) : null);
    }

    private ulong[]? PastLeaf(long block) => _past!.Get((int)(block >> BranchShift))[MapBranch.LeafIndex(block)];

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
        var branch = ReferenceEquals(slot, MapBranch.Unbuilt) ? Branch((int)(block >> BranchShift)) : slot;
        if (branch is null || branch.Stamp <= _sharedUpTo)
        {
            if (branch is null && leaf is null)
            {
                return;
            }

            // Filled before it is seen: readers take no lock.
            var own = new MapBranch { Stamp = _stamp };
            branch?.CopyTo(own);
            own[MapBranch.LeafIndex(block)] = leaf;
            Volatile.Write(ref slot, own);
            return;
        }

        Volatile.Write(ref branch[MapBranch.LeafIndex(block)], leaf);
    }
}
