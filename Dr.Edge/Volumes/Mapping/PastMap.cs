using Dr.Edge.Volumes.Format;

namespace Dr.Edge.Volumes.Mapping;

/// <summary>
/// The map of a volume at a position of its past, made a branch (a GiB of the volume) at a time when somebody looks at it, from the parts of the layers' indexes that concern it. Making one costs nothing
/// that grows with what the layers hold, so that views and clones of any point open at once; memory holds what is being looked at, within the budget of <see cref="PastBranches"/>, and what gives way is
/// made again. One branch costs a read of each layer's index and 20 to 40 ns for each entry.
/// <para>What it says never changes: layers are never changed once sealed, their files are kept open by whoever uses the map, and the hold of a view or clone keeps the base from taking in anything that
/// those layers do not say themselves. So a branch that is made late, or twice, is the one that would have been made at first, also when layers have moved into the base meanwhile.</para>
/// <para>Why not keep whole maps of some points: of random 4 KiB writes a map of 200 GiB takes 600 MB. Why not search a leaf at a time: that reads each of 255 indexes for every 2 MiB,
/// and the whole of a volume then takes minutes instead of the seconds that all branches take.</para>
/// </summary>
internal sealed class PastMap
{
    /// <summary>Below so many entries the content is counted exactly as soon as somebody asks; above it, when every branch has been looked at.</summary>
    private const long CountedEntries = 1 << 18;

    private readonly Lock _lock = new(); // One branch at a time is made; guards _content.
    private readonly IReadOnlyList<IndexSource> _sources;
    private readonly PastBranches _kept;
    private readonly long _volumeBlocks;
    private readonly BlockMap? _under;
    private readonly MapBranch?[] _branches;
    private readonly long[] _content;
    private long _unknown;
    private int _users = 1;

    /// <param name="sources">Oldest first; what they need stays open until the last user has gone.</param>
    /// <param name="under">What they lie over, taken over from the caller; null for nothing but <paramref name="source"/>.</param>
    /// <param name="source">What blocks hold that nothing maps; of <paramref name="under"/> where that is given.</param>
    public PastMap(long volumeBlocks, IReadOnlyList<IndexSource> sources, BlockMap? under, BaseImage? source, PastBranches kept)
    {
        _volumeBlocks = volumeBlocks;
        _sources = sources;
        _under = under;
        _kept = kept;
        Base = under is null ? source : under.Base;
        _branches = new MapBranch?[MapBranch.CountFor(volumeBlocks)];
        _content = new long[_branches.Length];
        _unknown = _branches.Length;
        Array.Fill(_content, -1);
    }

    public BaseImage? Base { get; }

    public int Branches => _branches.Length;

    /// <summary>No leaf has a higher stamp: whoever changes a map made of this one copies them first.</summary>
    public long Stamp => _under?.SharedUpTo ?? 0;

    /// <summary>Branches made so far, again ones counted again.</summary>
    public long Built { get; private set; }

    public bool IsClosed => Volatile.Read(ref _users) == 0;

    /// <summary>Blocks that may hold anything but zeros; more than there are while not everything has been looked at.</summary>
    public long ContentBlocks
    {
        get
        {
            if (_sources.Sum(source => source.Entries) <= CountedEntries)
            {
                LookEverywhere();
            }

            return Volatile.Read(ref _unknown) == 0
                ? _content.Sum()
                : Math.Min(_volumeBlocks, (_under?.MappedBlocks ?? Base?.Blocks ?? 0) + _sources.Sum(source => source.Entries));
        }
    }

    /// <summary>The branch. The first time, and when it has given way meanwhile, it is made.</summary>
    /// <exception cref="BlockDeviceException">The history it is made of cannot be read.</exception>
    public MapBranch Get(int branch)
    {
        if (Volatile.Read(ref _branches[branch]) is { } found)
        {
            found.WasUsed = true;
            return found;
        }

        return Build(branch);
    }

    public PastMap AddUser()
    {
        Invariant.Require(Interlocked.Increment(ref _users) > 1, "a map of the past that was given back was used again");
        return this;
    }

    public void Release()
    {
        if (Interlocked.Decrement(ref _users) == 0)
        {
            Array.Clear(_branches);
            _kept.Forget(this);
            _under?.Dispose();
        }
    }

    /// <summary>Gives a branch up; whoever has it goes on with it.</summary>
    public void Drop(int branch) => Volatile.Write(ref _branches[branch], null);

    private void LookEverywhere()
    {
        try
        {
            for (var branch = 0; branch < _branches.Length && !IsClosed; branch++)
            {
                if (Volatile.Read(ref _content[branch]) < 0)
                {
                    _ = Get(branch);
                }
            }
        }
        catch (BlockDeviceException)
        {
            // Whoever reads there is told; here nothing but a figure depends on it.
        }
    }

    private MapBranch Build(int branch)
    {
        lock (_lock)
        {
            if (_branches[branch] is { } present)
            {
                return present;
            }

            var builder = BranchBuilder.Rent();
            try
            {
                if (!builder.TryBuild(branch, _sources, _under, Base, Stamp, out var built, out var contentDelta))
                {
                    built = _under?.Branch(branch) ?? MapBranch.Empty;
                }

                if (_content[branch] < 0)
                {
                    Volatile.Write(ref _content[branch], CountUnder(branch) + contentDelta);
                    Volatile.Write(ref _unknown, _unknown - 1);
                }

                Built++;
                Volatile.Write(ref _branches[branch], built);
                _kept.Add(this, branch, built);
                return built;
            }
            catch (Exception exception) when (exception is ObjectDisposedException or IOException or DrException and not BlockDeviceException)
            {
                throw new BlockDeviceException(BlockError.IO, $"What the volume held then cannot be looked up: {exception.Message}", exception);
            }
            finally
            {
                builder.Return();
            }
        }
    }

    private long CountUnder(int branch)
    {
        var first = (long)branch << BlockMap.BranchShift;
        var end = Math.Min(first + (1L << BlockMap.BranchShift), _volumeBlocks);
        if (_under is null)
        {
            return Base?.Present.Count(first, end) ?? 0;
        }

        long count = 0;
        for (var block = _under.Find(first, end, content: true); block < end;)
        {
            var gap = _under.Find(block, end, content: false);
            count += gap - block;
            block = _under.Find(gap, end, content: true);
        }

        return count;
    }
}
