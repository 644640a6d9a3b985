using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Format;
using Dr.Edge.Volumes.Mapping;

namespace Dr.Edge.Volumes;

/// <summary>Has the kernel read blocks into its page cache, without waiting for them. A hint: what cannot be read says so when it is read.</summary>
internal static class BlockPrefetch
{
    /// <summary>Of one request: what a client may ask to read at once, twice. More would push out of memory what others read.</summary>
    public const long MaxBytes = 64L * 1024 * 1024;

    /// <summary>Ranges in files that one request names to the kernel: some milliseconds of calls when every block lies elsewhere.</summary>
    public const int MaxRanges = 4096;

    /// <returns>Ranges named to the kernel.</returns>
    public static int Run(BlockMap map, LayerTable layers, long offset, long length)
    {
        var block = offset >> StoreLimits.BlockShift;
        var end = (offset + length + StoreLimits.BlockBytes - 1) >> StoreLimits.BlockShift;
        var left = MaxBytes >> StoreLimits.BlockShift;
        for (var ranges = 0; ; ranges++)
        {
            block = map.Find(block, end, content: true);
            if (block >= end || left <= 0 || ranges == MaxRanges)
            {
                return ranges;
            }

            var start = map.Get(block, out _);
            var first = block;
            do
            {
                block++;
                left--;
            }
            while (block < end && left > 0 && Follows(map, start, first, block));

            Name(map, layers, start, first, block - first);
        }
    }

    private static bool Follows(BlockMap map, BlockLocation start, long first, long block)
    {
        var location = map.Get(block, out _);
        return start.IsData ? location.Value == start.Value + ((ulong)(block - first) << StoreLimits.BlockShift) : location.IsUnmapped && map.IsInBase(block);
    }

    private static void Name(BlockMap map, LayerTable layers, BlockLocation start, long first, long count)
    {
        try
        {
            if (start.IsData)
            {
                layers.Find(start.Slot)?.File.Prefetch(start.Offset, count << StoreLimits.BlockShift);
            }
            else if (map.Base is { } source)
            {
                source.Checksums.File.Prefetch(first * BaseImage.EntryBytes, count * BaseImage.EntryBytes);
                source.Image.File.Prefetch(first << StoreLimits.BlockShift, count << StoreLimits.BlockShift);
            }
        }
        catch (ObjectDisposedException)
        {
            // The block has moved to another file since it was looked up.
        }
    }
}
