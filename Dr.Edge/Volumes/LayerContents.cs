using Dr.Edge.Volumes.Format;
using Dr.Edge.Volumes.Mapping;

namespace Dr.Edge.Volumes;

/// <summary>The last version of everything a layer wrote: what its index holds, and what is made again from its batches when the index is missing.</summary>
internal sealed class LayerContents(long volumeBlocks) : IDisposable
{
    // Offsets in the layer's file stand in for locations here; any slot will do as long as it is not nowhere.
    private const int AnySlot = 1;
    private readonly BlockMap _data = new(volumeBlocks);
    private readonly RangeSet _zeros = new();

    public void Apply(in BatchHeader header, ReadOnlySpan<byte> section, long dataFileOffset)
    {
        var checksums = BatchReader.Checksums(header, section);
        var dataIndex = 0;
        for (var i = 0; i < header.ExtentCount; i++)
        {
            var extent = BatchReader.Descriptor(section, i);
            if (extent.Kind == ExtentKind.Zero)
            {
                _data.Clear(extent.FirstBlock, extent.BlockCount, AnySlot);
                _zeros.Add(extent.FirstBlock, extent.BlockCount);
                continue;
            }

            if (_zeros.Ranges.Count > 0)
            {
                _zeros.Remove(extent.FirstBlock, extent.BlockCount);
            }

            for (var block = 0; block < extent.BlockCount; block++, dataIndex++)
            {
                _data.Set(
                    extent.FirstBlock + block,
                    new BlockLocation(AnySlot, dataFileOffset + ((long)dataIndex * StoreLimits.BlockBytes)),
                    BatchReader.Checksum(checksums, dataIndex));
            }
        }
    }

    /// <summary>In ascending order of blocks.</summary>
    public IEnumerable<LayerIndex.Entry> Entries()
    {
        var zeros = _zeros.Ranges;
        var zero = 0;
        for (var block = _data.Find(0, volumeBlocks, content: true); ;)
        {
            for (; zero < zeros.Count && zeros[zero].First <= block; zero++)
            {
                for (long done = 0; done < zeros[zero].Count; done += uint.MaxValue)
                {
                    yield return new LayerIndex.Entry(zeros[zero].First + done, 0, (uint)Math.Min(zeros[zero].Count - done, uint.MaxValue), 0);
                }
            }

            if (block >= volumeBlocks)
            {
                yield break;
            }

            yield return new LayerIndex.Entry(block, _data.Get(block, out var checksum).Offset, 1, checksum);
            block = _data.Find(block + 1, volumeBlocks, content: true);
        }
    }

    public void Dispose() => _data.Dispose();
}
