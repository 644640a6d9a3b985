using Dr.Edge.Volumes.Background;
using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Expiring;
using Dr.Edge.Volumes.Mapping;
using Dr.Edge.Volumes.Retention;
using Dr.Edge.Volumes.Space;
using Dr.Edge.Volumes.Writing;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Volumes;

/// <summary>What the volumes of one set share.</summary>
internal sealed record StoreContext(TimeProvider Time, StoreFaults Faults, ILogger Logger, EffectivePolicy Defaults)
{
    public LayerTable Layers { get; } = new();

    /// <summary>Set once, by the set that opens the volumes.</summary>
    public VolumeSet Clones { get; set; } = null!;

    /// <summary>How much work in the background may take of the disk; each loop has a pacer of its own.</summary>
    public WorkLimits Work { get; init; } = new();

    /// <summary>The disk's free space. Ample unless the set that opens the volumes says where to look.</summary>
    public SpaceGuard Space { get; init; } = new(() => new FileSystemUse(long.MaxValue, long.MaxValue), configuredReserve: 0);

    /// <summary>False: work in the background does not wait for clients (tests, whose clock may stand still).</summary>
    public bool IsPaced { get; init; } = true;

    /// <summary>How much of a layer moves into the base before what was moved gives its space back.</summary>
    public long MergeSliceBytes { get; set; } = MergeSlices.Bytes;

    /// <summary>A pacer for one loop of background work on this set's disk, which yields to the clients of all its volumes.</summary>
    public WorkPacer NewPacer() => new(Work, () => Clones.ClientOperations, Time);

    /// <summary>Work that may wait: indexes, expiry.</summary>
    public MaintenanceQueue Maintenance { get; } = new(Logger);

    /// <summary>Short work that somebody may wait for soon, beside what may take hours.</summary>
    public MaintenanceQueue Preparing { get; } = new(Logger);

    /// <summary>What memory holds of maps of the past, of all volumes together.</summary>
    public PastBranches Past { get; } = new();

    public WriteBehind Behind { get; } = new();
}
