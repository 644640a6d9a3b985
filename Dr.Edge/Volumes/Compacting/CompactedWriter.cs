using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Format;

namespace Dr.Edge.Volumes.Compacting;

/// <summary>Writes the batches of a compacted layer: last versions in ascending order, numbered from 1 like a received delta's. Every block is checked against its checksum on the way.</summary>
/// <param name="pace">Called before each piece with its bytes; may wait, and ends the work by throwing.</param>
internal sealed class CompactedWriter(DurableFile target, VolumeId volume, DateTimeOffset at, Action<long> pace) : IDisposable
{
    private const int MaxBatchBlocks = 64; // 256 KiB: as much as one piece of background work takes at once.
    private const int MaxBatchExtents = 4096;
    private readonly BatchBuilder _batch = new();
    private readonly byte[] _piece = new byte[MaxBatchBlocks * StoreLimits.BlockBytes];
    private long _sequence;
    private uint _chain;

    /// <summary>End of the last batch.</summary>
    public long Tail { get; private set; } = LayerHeader.SizeBytes;

    /// <summary>Calls <paramref name="written"/> for each entry with where its data lies now (0 = zeros).</summary>
    public void Write(List<MergedEntry> entries, IReadOnlyList<Layer> layers, Action<MergedEntry, long> written)
    {
        for (var next = 0; next < entries.Count;)
        {
            var first = next;
            _batch.Begin(MaxBatchExtents, MaxBatchBlocks);
            while (next < entries.Count && _batch.ExtentCount < MaxBatchExtents && _batch.DataBlockCount < MaxBatchBlocks)
            {
                if (entries[next].IsZero)
                {
                    _batch.AddZero(entries[next].FirstBlock, entries[next].Count);
                    next++;
                }
                else
                {
                    next += AddRun(entries, next, layers);
                }
            }

            Append();
            var data = Tail - ((long)_batch.DataBlockCount * StoreLimits.BlockBytes);
            for (var i = first; i < next; i++)
            {
                written(entries[i], entries[i].IsZero ? 0 : data);
                data += entries[i].IsZero ? 0 : StoreLimits.BlockBytes;
            }
        }
    }

    public void Dispose() => _batch.Dispose();

    /// <summary>Neighbouring blocks that lie side by side in one file are read and written as one extent; returns how many.</summary>
    private int AddRun(List<MergedEntry> entries, int next, IReadOnlyList<Layer> layers)
    {
        var start = entries[next];
        var most = Math.Min(MaxBatchBlocks - _batch.DataBlockCount, entries.Count - next);
        var count = 1;
        while (count < most && entries[next + count] is { IsZero: false } entry && entry.Layer == start.Layer && entry.FirstBlock == start.FirstBlock + count
            && entry.FileOffset == start.FileOffset + ((long)count * StoreLimits.BlockBytes))
        {
            count++;
        }

        var file = layers[start.Layer].File.File;
        var piece = _piece.AsSpan(0, count * StoreLimits.BlockBytes);
        pace(piece.Length);
        file.ReadExactly(piece, start.FileOffset);
        for (var i = 0; i < count; i++)
        {
            if (Crc32C.Compute(piece.Slice(i * StoreLimits.BlockBytes, StoreLimits.BlockBytes)) != entries[next + i].Checksum)
            {
                throw new CorruptDataException(file.Path, entries[next + i].FileOffset, $"the data of block {entries[next + i].FirstBlock}", "something else");
            }
        }

        var index = _batch.DataBlockCount;
        piece.CopyTo(_batch.AddData(start.FirstBlock, count));
        _batch.Sum(index, count);
        return count;
    }

    private void Append()
    {
        _chain = _batch.Finish(new BatchHeader { VolumeId = volume.Guid, FirstSequence = _sequence + 1, TimeMicroseconds = BatchHeader.ToMicroseconds(at), PreviousChecksum = _chain });
        pace(_batch.Bytes.Length);
        target.Write(_batch.Bytes, Tail);
        Tail += _batch.Bytes.Length;
        _sequence += _batch.ExtentCount;
    }
}
