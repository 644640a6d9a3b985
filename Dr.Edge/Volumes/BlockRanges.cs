using Dr.Edge.Volumes.Format;
using Dr.Edge.Volumes.Mapping;

namespace Dr.Edge.Volumes;

/// <summary>Byte ranges against block maps.</summary>
internal static class BlockRanges
{
    public static void CheckInside(long offset, long length, long sizeBytes)
    {
        if (offset < 0 || length < 0 || offset > sizeBytes - length)
        {
            throw new BlockDeviceException(BlockError.Invalid, $"{length} bytes at {offset} are outside the volume of {sizeBytes} bytes.");
        }
    }

    public static void GetAllocation(BlockMap map, long sizeBytes, long offset, long length, int maxRuns, List<AllocationRun> runs)
    {
        CheckInside(offset, length, sizeBytes);
        var position = offset;
        var end = offset + length;
        var endBlock = (end + StoreLimits.BlockBytes - 1) >> StoreLimits.BlockShift;
        for (var count = 0; position < end && count < maxRuns; count++)
        {
            var block = position >> StoreLimits.BlockShift;
            var mapped = map.IsContent(block, map.Get(block, out _));
            var next = Math.Min(map.FindChange(block + 1, endBlock, mapped) << StoreLimits.BlockShift, end);
            runs.Add(new AllocationRun(next - position, !mapped));
            position = next;
        }
    }

    /// <summary>As <see cref="GetAllocation"/>, by depth; ends early after <see cref="LayerDepths.MaxBlocks"/>.</summary>
    public static void GetDepths(BlockMap map, LayerDepths depths, long sizeBytes, long offset, long length, int maxRuns, List<DepthRun> runs)
    {
        CheckInside(offset, length, sizeBytes);
        var position = offset;
        var end = offset + length;
        var endBlock = (end + StoreLimits.BlockBytes - 1) >> StoreLimits.BlockShift;
        var budget = LayerDepths.MaxBlocks;
        for (var count = 0; position < end && count < maxRuns && budget > 0; count++)
        {
            var block = position >> StoreLimits.BlockShift;
            var depth = depths.Of(map, block);
            var next = Math.Min(depths.FindChange(map, block + 1, endBlock, depth, ref budget) << StoreLimits.BlockShift, end);
            runs.Add(new DepthRun(next - position, depth));
            position = next;
            budget--;
        }
    }
}
