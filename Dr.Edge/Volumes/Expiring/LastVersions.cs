using Dr.Edge.Volumes.Format;
using Dr.Edge.Volumes.Mapping;

namespace Dr.Edge.Volumes.Expiring;

/// <summary>
/// What a layer says last of each of its blocks, so that a merge in slices copies no data that a later slice replaces. For blocks that end as zeros this is needed and not only thrift: a map that was made
/// from the layer's index has no entry for them where the base has a hole, and would show what an earlier slice puts there.
/// </summary>
internal sealed class LastVersions : IDisposable
{
    /// <summary>About 100 MB of memory; of a layer with more blocks than that, data are copied as often as slices have them.</summary>
    public const long MaxBlocks = 8L << 20;

    // Any slot will do as long as it is not nowhere.
    private const int AnySlot = 1;
    private readonly ChangeBitmap _zeros;
    private BlockMap? _data;

    private LastVersions(long volumeBlocks)
    {
        _zeros = new ChangeBitmap(volumeBlocks);
        _data = new BlockMap(volumeBlocks);
    }

    /// <summary>Where data lie is remembered only when that saves half of the copying or more, and does not take too much memory.</summary>
    public static LastVersions Of(Layer layer, ManifestState state)
    {
        var versions = new LastVersions(state.SizeBytes / StoreLimits.BlockBytes);
        var most = Math.Min((layer.Record.LengthBytes - layer.Start(state)) / StoreLimits.BlockBytes / 2, MaxBlocks);
        foreach (var entry in layer.ReadEntries(state))
        {
            if (entry.IsZero)
            {
                versions._zeros.Set(entry.FirstBlock, entry.BlockCount);
            }
            else if (most-- > 0)
            {
                versions._data?.Set(entry.FirstBlock, new BlockLocation(AnySlot, entry.FileOffset), entry.Checksum);
            }
            else
            {
                versions.Dispose();
            }
        }

        return versions;
    }

    /// <summary>The entry is to be copied.</summary>
    public bool Has(LayerIndex.Entry entry) =>
        entry.IsZero || (!_zeros.Contains(entry.FirstBlock) && (_data is null || _data.Get(entry.FirstBlock, out _).Offset == entry.FileOffset));

    public void Dispose()
    {
        _data?.Dispose();
        _data = null;
    }
}
