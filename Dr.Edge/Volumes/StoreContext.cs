using Dr.Edge.Volumes.Disk;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Volumes;

/// <summary>What the volumes of one set share.</summary>
internal sealed record StoreContext(TimeProvider Time, StoreFaults Faults, ILogger Logger, TimeSpan FineWindow)
{
    public LayerTable Layers { get; } = new();

    /// <summary>Set once, by the set that opens the volumes.</summary>
    public VolumeSet Clones { get; set; } = null!;

    /// <summary>Work that may wait: indexes, expiry.</summary>
    public MaintenanceQueue Maintenance { get; } = new(Logger);
}
