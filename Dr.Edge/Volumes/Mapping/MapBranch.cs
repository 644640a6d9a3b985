using System.Runtime.CompilerServices;

namespace Dr.Edge.Volumes.Mapping;

/// <summary>The leaves (<see cref="MapLeaf"/>) of 2^18 neighbouring blocks: a GiB of the volume.</summary>
internal sealed class MapBranch
{
    /// <summary>Leaves of a branch.</summary>
    public const int Leaves = 1 << (BlockMap.BranchShift - BlockMap.LeafShift);

    /// <summary>Stands where a map of the past has a branch that is made when somebody looks at it (<see cref="PastMap"/>). Never changed.</summary>
    public static readonly MapBranch Unbuilt = new();

    /// <summary>Nothing is mapped there. Never changed.</summary>
    public static readonly MapBranch Empty = new();

    private Slots _leaves;
    private bool _wasUsed;

    /// <summary>Who may change it, see <see cref="BlockMap"/>. 0: nobody.</summary>
    public long Stamp { get; init; }

    /// <summary>Somebody looked at it since it was last asked. Says what to keep, so that a lost write of it does no harm.</summary>
    public bool WasUsed
    {
        get => Volatile.Read(ref _wasUsed);
        set
        {
            if (_wasUsed != value)
            {
                Volatile.Write(ref _wasUsed, value);
            }
        }
    }

    public ref ulong[]? this[int index] => ref _leaves[index];

    public static int LeafIndex(long block) => (int)(block >> BlockMap.LeafShift) & (Leaves - 1);

    /// <summary>How many branches so many blocks have.</summary>
    public static int CountFor(long blocks) => checked((int)((blocks + (1L << BlockMap.BranchShift) - 1) >> BlockMap.BranchShift));

    public void CopyTo(MapBranch other) => other._leaves = _leaves;

    [InlineArray(Leaves)]
    private struct Slots
    {
        private ulong[]? _first;
    }
}
