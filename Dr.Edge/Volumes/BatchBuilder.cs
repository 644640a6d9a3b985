using System.Buffers.Binary;
using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Format;
using Dr.Edge.Volumes.Writing;

namespace Dr.Edge.Volumes;

/// <summary>
/// Puts a batch together in one piece of pinned memory that is used again and again, so that a write costs no allocation and one system call. The data
/// comes first in time, the header last: it is written right-aligned against the data once everything is known. In a gathered batch the data are not copied here:
/// they go to the file from where they are, and must stay so until <see cref="End"/>.
/// </summary>
internal sealed class BatchBuilder : IDisposable
{
    // A thread that once wrote something large gives the memory back.
    private const int KeepBytes = 4 * 1024 * 1024;
    private BatchDescriptor[] _descriptors = new BatchDescriptor[256];
    private int[] _dataIndexes = new int[256];
    private uint[] _checksums = new uint[256];
    private byte[] _memory = [];
    private readonly GatherList _gathered = new();
    private bool _isGathered;
    private int _dataStart;
    private int _batchStart;

    public int ExtentCount { get; private set; }

    public int DataBlockCount { get; private set; }

    /// <summary>Length of the whole batch, after <see cref="Finish"/>.</summary>
    public int TotalBytes => DataOffset + (DataBlockCount * StoreLimits.BlockBytes);

    /// <summary>The whole batch, after <see cref="Finish"/>; not of a gathered one, which is nowhere in one piece.</summary>
    public ReadOnlySpan<byte> Bytes => _memory.AsSpan(_batchStart, _dataStart - _batchStart + (DataBlockCount * StoreLimits.BlockBytes));

    /// <summary>Where the data begins in the batch, after <see cref="Finish"/>.</summary>
    public int DataOffset => _dataStart - _batchStart;

    public void Begin(int maxExtents, int maxBlocks, bool gathered = false)
    {
        _isGathered = gathered;
        ExtentCount = 0;
        DataBlockCount = 0;
        _dataStart = BatchHeader.SizeBytes + (maxExtents * BatchHeader.DescriptorBytes) + (maxBlocks * BatchHeader.ChecksumBytes);
        _dataStart = (_dataStart + 63) & ~63;
        var needed = _dataStart + (gathered ? 0 : maxBlocks * StoreLimits.BlockBytes);
        if (needed > _memory.Length)
        {
            _memory = GC.AllocateUninitializedArray<byte>((int)Math.Max(256 * 1024, System.Numerics.BitOperations.RoundUpToPowerOf2((uint)needed)), pinned: true);
        }

        if (maxExtents > _descriptors.Length)
        {
            _descriptors = new BatchDescriptor[maxExtents];
            _dataIndexes = new int[maxExtents];
        }

        if (maxBlocks > _checksums.Length)
        {
            _checksums = new uint[System.Numerics.BitOperations.RoundUpToPowerOf2((uint)maxBlocks)];
        }
    }

    public BatchDescriptor Descriptor(int index) => _descriptors[index];

    public uint Checksum(int dataIndex) => _checksums[dataIndex];

    /// <summary>Index of an extent's first data block among the batch's data blocks.</summary>
    public int DataIndex(int extent) => _dataIndexes[extent];

    /// <summary>Adds an extent whose data the caller puts into the returned memory, then calls <see cref="Sum"/>.</summary>
    public Span<byte> AddData(long firstBlock, int count)
    {
        _descriptors[ExtentCount] = new BatchDescriptor(firstBlock, (uint)count, ExtentKind.Data);
        _dataIndexes[ExtentCount] = DataBlockCount;
        ExtentCount++;
        var data = _memory.AsSpan(_dataStart + (DataBlockCount * StoreLimits.BlockBytes), count * StoreLimits.BlockBytes);
        DataBlockCount += count;
        return data;
    }

    /// <summary>Adds an extent of whole blocks, sums it, and remembers where its data are.</summary>
    public void AddGathered(long firstBlock, ReadOnlyMemory<byte> data)
    {
        var count = data.Length / StoreLimits.BlockBytes;
        _descriptors[ExtentCount] = new BatchDescriptor(firstBlock, (uint)count, ExtentKind.Data);
        _dataIndexes[ExtentCount++] = DataBlockCount;
        var bytes = data.Span;
        for (var i = 0; i < count; i++)
        {
            _checksums[DataBlockCount + i] = Crc32C.Compute(bytes.Slice(i * StoreLimits.BlockBytes, StoreLimits.BlockBytes));
        }

        DataBlockCount += count;
        _gathered.Add(data);
    }

    /// <summary>Room for one more block, to be filled and then taken in by <see cref="Keep"/>, or not.</summary>
    public Span<byte> Next => Block(DataBlockCount);

    /// <summary>Takes in what was put into <see cref="Next"/>; a block that follows on the last one goes into its extent.</summary>
    public void Keep(long block, uint checksum)
    {
        if (!TryExtend(block, ExtentKind.Data))
        {
            _descriptors[ExtentCount] = new BatchDescriptor(block, 1, ExtentKind.Data);
            _dataIndexes[ExtentCount++] = DataBlockCount;
        }

        _checksums[DataBlockCount++] = checksum;
    }

    /// <summary>One block of zeros, as <see cref="Keep"/>.</summary>
    public void KeepZero(long block)
    {
        if (!TryExtend(block, ExtentKind.Zero))
        {
            AddZero(block, 1);
        }
    }

    private bool TryExtend(long block, ExtentKind kind)
    {
        if (ExtentCount == 0 || _descriptors[ExtentCount - 1] is var last && (last.Kind != kind || last.FirstBlock + last.BlockCount != block || last.BlockCount == uint.MaxValue))
        {
            return false;
        }

        _descriptors[ExtentCount - 1] = last with { BlockCount = last.BlockCount + 1 };
        return true;
    }

    public void AddZero(long firstBlock, uint count)
    {
        _dataIndexes[ExtentCount] = DataBlockCount;
        _descriptors[ExtentCount++] = new BatchDescriptor(firstBlock, count, ExtentKind.Zero);
    }

    /// <summary>Computes the checksums of <paramref name="count"/> data blocks.</summary>
    public void Sum(int dataIndex, int count)
    {
        for (var i = dataIndex; i < dataIndex + count; i++)
        {
            _checksums[i] = Crc32C.Compute(Block(i));
        }
    }

    public Span<byte> Block(int dataIndex) => _memory.AsSpan(_dataStart + (dataIndex * StoreLimits.BlockBytes), StoreLimits.BlockBytes);

    /// <summary>What the first <paramref name="extents"/> extents of this batch leave in a block: its data, or zeros (empty), or nothing (false).</summary>
    public bool TryFindLatest(long block, int extents, out int dataIndex)
    {
        for (var i = extents - 1; i >= 0; i--)
        {
            ref readonly var extent = ref _descriptors[i];
            if (block >= extent.FirstBlock && block < extent.FirstBlock + extent.BlockCount)
            {
                dataIndex = extent.Kind == ExtentKind.Zero ? -1 : _dataIndexes[i] + (int)(block - extent.FirstBlock);
                return true;
            }
        }

        dataIndex = -1;
        return false;
    }

    /// <summary>Writes descriptors, checksums and header; <paramref name="template"/> gives identity, position, time and chain. Returns the header's checksum.</summary>
    public uint Finish(in BatchHeader template)
    {
        var header = template with { ExtentCount = ExtentCount, DataBlockCount = DataBlockCount };
        _batchStart = _dataStart - header.DataOffset;
        var section = _memory.AsSpan(_batchStart + BatchHeader.SizeBytes, header.DescriptorSectionLength);
        for (var i = 0; i < ExtentCount; i++)
        {
            _descriptors[i].Write(section[(i * BatchHeader.DescriptorBytes)..]);
        }

        var checksums = section[(ExtentCount * BatchHeader.DescriptorBytes)..];
        for (var i = 0; i < DataBlockCount; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(checksums[(i * BatchHeader.ChecksumBytes)..], _checksums[i]);
        }

        header = header with { TotalLength = header.DataOffset + (DataBlockCount * StoreLimits.BlockBytes), DescriptorChecksum = Crc32C.Compute(section) };
        return header.Write(_memory.AsSpan(_batchStart, BatchHeader.SizeBytes));
    }

    /// <summary>Puts the finished batch into a file; 0 or the error.</summary>
    public int TryWriteTo(DurableFile file, long offset) =>
        _isGathered ? file.TryWriteGathered(_memory.AsSpan(_batchStart, DataOffset), _gathered, offset) : file.TryWrite(Bytes, offset);

    /// <summary>Lets go of gathered data and gives back memory that only a large write needed.</summary>
    public void End()
    {
        _gathered.Clear();
        if (_memory.Length > KeepBytes)
        {
            _memory = [];
        }
    }

    public void Dispose()
    {
        _gathered.Clear();
        _memory = [];
    }
}
