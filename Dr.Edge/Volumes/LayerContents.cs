using Dr.Edge.Volumes.Format;

namespace Dr.Edge.Volumes;

/// <summary>The last version of everything a layer wrote: what its index holds, and what is made again from its batches when the index is missing.</summary>
internal sealed class LayerContents(long volumeBlocks)
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
                _data.Clear(extent.FirstBlock, extent.BlockCount);
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

    public List<LayerIndex.Entry> ToEntries()
    {
        var entries = new List<LayerIndex.Entry>();
        var zeros = _zeros.Ranges;
        var zero = 0;
        for (var block = _data.FindChange(0, volumeBlocks, mapped: false); ;)
        {
            for (; zero < zeros.Count && zeros[zero].First <= block; zero++)
            {
                for (long done = 0; done < zeros[zero].Count; done += uint.MaxValue)
                {
                    entries.Add(new LayerIndex.Entry(zeros[zero].First + done, 0, (uint)Math.Min(zeros[zero].Count - done, uint.MaxValue), 0));
                }
            }

            if (block >= volumeBlocks)
            {
                return entries;
            }

            entries.Add(new LayerIndex.Entry(block, _data.Get(block, out var checksum).Offset, 1, checksum));
            block = _data.FindChange(block + 1, volumeBlocks, mapped: false);
        }
    }
}
