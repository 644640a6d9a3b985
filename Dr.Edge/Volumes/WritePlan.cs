using Dr.Edge.Volumes.Format;

namespace Dr.Edge.Volumes;

/// <summary>Turns client extents of any alignment into whole blocks of a batch.</summary>
internal static class WritePlan
{
    private const int BlockMask = StoreLimits.BlockBytes - 1;

    /// <summary>Extents of so many blocks on average are written from where they are; copying smaller ones together costs less than telling the kernel where each is.</summary>
    public const int GatherBlocks = 4;

    /// <summary>Reads what a block holds before this batch.</summary>
    public delegate void ReadOldBlock(long block, Span<byte> destination);

    /// <summary>Bounds for <see cref="BatchBuilder.Begin"/>, and whether old content is needed at all. Throws on what no batch can hold.</summary>
    public static bool Measure(ReadOnlySpan<WriteExtent> extents, long sizeBytes, out int maxExtents, out int maxBlocks)
    {
        var aligned = true;
        maxExtents = 0;
        long blocks = 0;
        foreach (ref readonly var extent in extents)
        {
            if (extent.Offset < 0 || extent.Length < 0 || extent.Offset > sizeBytes - extent.Length)
            {
                throw new BlockDeviceException(BlockError.Invalid, $"A change of {extent.Length} bytes at {extent.Offset} is outside the volume of {sizeBytes} bytes.");
            }

            if (extent.Kind == ExtentKind.Data && extent.Data.Length != extent.Length)
            {
                throw new BlockDeviceException(BlockError.Invalid, $"A write of {extent.Length} bytes came with {extent.Data.Length} bytes of data.");
            }

            var isAligned = ((extent.Offset | extent.Length) & BlockMask) == 0;
            aligned &= isAligned;
            if (extent.Kind == ExtentKind.Data)
            {
                maxExtents++;
                blocks += ((extent.Offset & BlockMask) + extent.Length + BlockMask) >> StoreLimits.BlockShift;
            }
            else
            {
                maxExtents += isAligned ? 1 : 3;
                blocks += isAligned ? 0 : 2;
            }
        }

        if (maxExtents > StoreLimits.MaxExtentsPerBatch || blocks * (StoreLimits.BlockBytes + BatchHeader.ChecksumBytes) + (maxExtents * (long)BatchHeader.DescriptorBytes) > StoreLimits.MaxBatchBytes - 4096)
        {
            throw new BlockDeviceException(BlockError.Invalid, "More was written at once than one batch holds.");
        }

        maxBlocks = (int)blocks;
        return aligned;
    }

    public static void Add(BatchBuilder batch, ReadOnlySpan<WriteExtent> extents, ReadOldBlock? readOld)
    {
        foreach (ref readonly var extent in extents)
        {
            if (extent.Length == 0)
            {
                continue;
            }

            if (extent.Kind == ExtentKind.Data)
            {
                AddData(batch, extent, readOld);
            }
            else
            {
                AddZero(batch, extent, readOld);
            }
        }
    }

    /// <summary>As <see cref="Add"/>, for extents that are all aligned: their data stay where they are until the batch was written.</summary>
    public static void Gather(BatchBuilder batch, ReadOnlySpan<WriteExtent> extents)
    {
        foreach (ref readonly var extent in extents)
        {
            if (extent.Length == 0)
            {
                continue;
            }

            if (extent.Kind == ExtentKind.Data)
            {
                batch.AddGathered(extent.Offset >> StoreLimits.BlockShift, extent.Data);
            }
            else
            {
                AddZero(batch, extent, readOld: null);
            }
        }
    }

    private static void AddData(BatchBuilder batch, in WriteExtent extent, ReadOldBlock? readOld)
    {
        var first = extent.Offset >> StoreLimits.BlockShift;
        var inFirst = (int)extent.Offset & BlockMask;
        var source = extent.Data.Span;

        // Small writes into a block that this batch writes anyway go into it: a run of 512-byte sectors costs one block, not eight.
        if (inFirst + source.Length <= StoreLimits.BlockBytes && source.Length < StoreLimits.BlockBytes
            && batch.TryFindLatest(first, batch.ExtentCount, out var present) && present >= 0)
        {
            source.CopyTo(batch.Block(present)[inFirst..]);
            batch.Sum(present, 1);
            return;
        }

        var count = (inFirst + source.Length + BlockMask) >> StoreLimits.BlockShift;
        var before = batch.ExtentCount;
        var dataIndex = batch.DataBlockCount;
        var data = batch.AddData(first, count);
        if (inFirst != 0)
        {
            ReadLatest(batch, before, first, data[..StoreLimits.BlockBytes], readOld);
        }

        if (((inFirst + source.Length) & BlockMask) != 0 && (count > 1 || inFirst == 0))
        {
            ReadLatest(batch, before, first + count - 1, data[^StoreLimits.BlockBytes..], readOld);
        }

        source.CopyTo(data[inFirst..]);
        batch.Sum(dataIndex, count);
    }

    private static void AddZero(BatchBuilder batch, in WriteExtent extent, ReadOldBlock? readOld)
    {
        var end = extent.Offset + extent.Length;
        var firstWhole = (extent.Offset + BlockMask) >> StoreLimits.BlockShift;
        var endWhole = end >> StoreLimits.BlockShift;
        if (firstWhole > endWhole)
        {
            // Inside one block.
            ZeroPart(batch, endWhole, (int)extent.Offset & BlockMask, (int)extent.Length, readOld);
            return;
        }

        if ((extent.Offset & BlockMask) != 0)
        {
            var inBlock = (int)extent.Offset & BlockMask;
            ZeroPart(batch, firstWhole - 1, inBlock, StoreLimits.BlockBytes - inBlock, readOld);
        }

        if (endWhole > firstWhole)
        {
            batch.AddZero(firstWhole, (uint)(endWhole - firstWhole));
        }

        if ((end & BlockMask) != 0)
        {
            ZeroPart(batch, endWhole, 0, (int)end & BlockMask, readOld);
        }
    }

    private static void ZeroPart(BatchBuilder batch, long block, int start, int length, ReadOldBlock? readOld)
    {
        var before = batch.ExtentCount;
        var dataIndex = batch.DataBlockCount;
        var data = batch.AddData(block, 1);
        ReadLatest(batch, before, block, data, readOld);
        data.Slice(start, length).Clear();
        batch.Sum(dataIndex, 1);
    }

    private static void ReadLatest(BatchBuilder batch, int extents, long block, Span<byte> destination, ReadOldBlock? readOld)
    {
        if (!batch.TryFindLatest(block, extents, out var dataIndex))
        {
            readOld!(block, destination);
        }
        else if (dataIndex >= 0)
        {
            batch.Block(dataIndex).CopyTo(destination);
        }
        else
        {
            destination.Clear();
        }
    }
}
