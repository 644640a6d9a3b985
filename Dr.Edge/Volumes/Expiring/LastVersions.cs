using Dr.Edge.Volumes.Format;
using Dr.Edge.Volumes.Mapping;

namespace Dr.Edge.Volumes.Expiring;

/// <summary>
/// Where a layer has the last version of each of its blocks, so that a merge in slices copies none that a later slice replaces. It only saves work: slices are merged in their order, and the last one wins.
/// </summary>
internal sealed class LastVersions : IDisposable
{
    /// <summary>About 100 MB of memory; a layer with more blocks than that is merged without.</summary>
    public const long MaxBlocks = 8L << 20;

    // Any slot will do as long as it is not nowhere.
    private const int AnySlot = 1;
    private readonly BlockMap _map;

    private LastVersions(BlockMap map) => _map = map;

    /// <summary>Null where it would save less than half of the copying, or would need too much memory.</summary>
    public static LastVersions? Of(Layer layer, ManifestState state)
    {
        var most = Math.Min((layer.Record.LengthBytes - layer.Start(state)) / StoreLimits.BlockBytes / 2, MaxBlocks);
        var map = new BlockMap(state.SizeBytes / StoreLimits.BlockBytes);
        foreach (var entry in layer.ReadEntries(state).Where(entry => !entry.IsZero))
        {
            if (most-- == 0)
            {
                map.Dispose();
                return null;
            }

            map.Set(entry.FirstBlock, new BlockLocation(AnySlot, entry.FileOffset), entry.Checksum);
        }

        return new LastVersions(map);
    }

    /// <summary>The entry is worth copying: zeros, which cost nothing, or the last version of its block.</summary>
    public bool Has(LayerIndex.Entry entry) => entry.IsZero || _map.Get(entry.FirstBlock, out _).Offset == entry.FileOffset;

    public void Dispose() => _map.Dispose();
}
