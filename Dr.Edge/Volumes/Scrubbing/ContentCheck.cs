using System.Buffers;
using Dr.Edge.Volumes.Format;
using Dr.Edge.Volumes.Mapping;

namespace Dr.Edge.Volumes.Scrubbing;

/// <summary>Reads what a map says against the checksums it says, without counting as a client.</summary>
internal static class ContentCheck
{
    /// <summary>Checks at most <paramref name="maxBlocks"/> blocks of content from <paramref name="block"/> on; returns where to go on, <paramref name="endBlock"/> when all is done.</summary>
    public static long Check(BlockMap map, LayerTable layers, long block, long endBlock, int maxBlocks, out long bytes, Action<long, string> report)
    {
        bytes = 0;
        block = map.FindChange(block, endBlock, mapped: false);
        if (block >= endBlock)
        {
            return endBlock;
        }

        var count = (int)Math.Min(map.FindChange(block, endBlock, mapped: true) - block, maxBlocks);
        var rented = ArrayPool<byte>.Shared.Rent(count * StoreLimits.BlockBytes);
        var buffer = rented.AsSpan(0, count * StoreLimits.BlockBytes);
        try
        {
            BlockReader.Read(map, layers, block << StoreLimits.BlockShift, buffer);
        }
        catch (BlockDeviceException)
        {
            // Again block by block, so that the list names the bad ones and not their neighbours.
            for (var i = 0; i < count; i++)
            {
                CheckOne(map, layers, block + i, buffer[..StoreLimits.BlockBytes], report);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }

        bytes = buffer.Length;
        return block + count;
    }

    private static void CheckOne(BlockMap map, LayerTable layers, long block, Span<byte> buffer, Action<long, string> report)
    {
        try
        {
            BlockReader.Read(map, layers, block << StoreLimits.BlockShift, buffer);
        }
        catch (BlockDeviceException exception)
        {
            report(block, exception.Message);
        }
    }
}
