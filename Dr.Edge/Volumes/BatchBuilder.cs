using System.Buffers.Binary;
using Dr.Edge.Volumes.Format;

namespace Dr.Edge.Volumes;

/// <summary>
/// Puts a batch together in one piece of pinned memory that is used again and again, so that a write costs no allocation and one system call. The data
/// comes first in time, the header last: it is written right-aligned against the data once everything is known.
/// </summary>
internal sealed class BatchBuilder : IDisposable
{
    // A thread that once wrote something large gives the memory back.
    private const int KeepBytes = 4 * 1024 * 1024;
    private BatchDescriptor[] _descriptors = new BatchDescriptor[256];
    private int[] _dataIndexes = new int[256];
    private uint[] _checksums = new uint[256];
    private byte[] _memory = [];
    private int _dataStart;
    private int _batchStart;

    public int ExtentCount { get; private set; }

    public int DataBlockCount { get; private set; }

    /// <summary>The whole batch, after <see cref="Finish"/>.</summary>
    public ReadOnlySpan<byte> Bytes => _memory.AsSpan(_batchStart, _dataStart - _batchStart + (DataBlockCount * StoreLimits.BlockBytes));

    /// <summary>Where the data begins in the batch, after <see cref="Finish"/>.</summary>
    public int DataOffset => _dataStart - _batchStart;

    public void Begin(int maxExtents, int maxBlocks)
    {
        ExtentCount = 0;
        DataBlockCount = 0;
        _dataStart = BatchHeader.SizeBytes + (maxExtents * BatchHeader.DescriptorBytes) + (maxBlocks * BatchHeader.ChecksumBytes);
        _dataStart = (_dataStart + 63) & ~63;
        var needed = _dataStart + (maxBlocks * StoreLimits.BlockBytes);
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

    /// <summary>Gives back memory that only a large write needed.</summary>
    public void End()
    {
        if (_memory.Length > KeepBytes)
        {
            _memory = [];
        }
    }

    public void Dispose() => _memory = [];
}
