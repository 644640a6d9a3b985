using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Expiring;
using Dr.Edge.Volumes.Format;
using Dr.Edge.Volumes.Mapping;

namespace Dr.Edge.Volumes;

/// <content>
/// How the oldest layer goes into the base: slice by slice of its file, oldest batches first. After each slice a record says how far the base has it, and what lies before gives its space back, so that a
/// merge never needs more room than a slice and a restart goes on where it was.
/// </content>
internal sealed partial class Volume
{
    // 256 KiB: one piece of work in the background, short enough that a client hardly waits behind it.
    private const int MergeBlocks = 64;

    // A file's header stays, and with it its first block.
    private const long FirstFreedByte = StoreLimits.BlockBytes;

    /// <summary>
    /// The layer stays in the manifest until every one of its blocks is durable in the base, so that a crash at any instant finds the newest version in one or the other; blocks that the layer does not
    /// have are not touched.
    /// </summary>
    private void MergeIntoBase(Layer layer, Action<long> pace)
    {
        var freed = Free(layer, FirstFreedByte, layer.Start(State));
        LastVersions? last = null;
        try
        {
            while (true)
            {
                var state = State;
                using var slice = CopySlice(layer, state, ref last, pace);
                StoreFaults.Pass(CrashPoints.MergeBlocksWritten);
                SyncBase();
                if (slice.End == layer.Record.LengthBytes)
                {
                    RecordMerged(layer, state);
                    return;
                }

                RecordSlice(layer, slice);
                freed = Free(layer, freed, slice.End);
                StoreFaults.Pass(CrashPoints.MergeSliceFreed);
            }
        }
        finally
        {
            last?.Dispose();
        }
    }

    private long SliceBytes => _context.Space.IsShort ? Math.Min(_context.MergeSliceBytes, MergeSlices.ShortBytes) : _context.MergeSliceBytes;

    /// <summary>The next slice, or, when the disk has no room for all that it adds to the base, only its first batch.</summary>
    private MergeSlice CopySlice(Layer layer, ManifestState state, ref LastVersions? last, Action<long> pace)
    {
        try
        {
            return CopySlice(MergeSlices.Next(layer, state, SliceBytes), layer, state, ref last, pace);
        }
        catch (DiskException exception) when (exception.IsFull)
        {
            return CopySlice(MergeSlices.Next(layer, state, bytes: 1), layer, state, ref last, pace);
        }
    }

    private MergeSlice CopySlice(MergeSlice slice, Layer layer, ManifestState state, ref LastVersions? last, Action<long> pace)
    {
        try
        {
            if (slice.Contents is null)
            {
                CopyToBase(layer, slice.Entries, pace); // The layer's own last versions.
            }
            else
            {
                var versions = last ??= LastVersions.Of(layer, state);
                CopyToBase(layer, slice.Entries.Where(versions.Has), pace);
            }

            return slice;
        }
        catch
        {
            slice.Dispose();
            throw;
        }
    }

    private void SyncBase()
    {
        try
        {
            _base.Sync(VolumeBlocks);
        }
        catch (DiskException exception)
        {
            Fail($"its base could not be flushed: {exception.Message}");
            throw;
        }
    }

    /// <summary>From this record on nothing reads the slice in the layer any more but maps that were made before.</summary>
    private void RecordSlice(Layer layer, MergeSlice slice)
    {
        lock (_syncLock)
        {
            CommitLocked(State with { MergedTo = slice.End });
        }

        StoreFaults.Pass(CrashPoints.MergeSliceRecorded);
        Forget(slice.Entries.Where(entry => !entry.IsZero), layer.File.Slot, slice.End);
    }

    /// <summary>
    /// Gives back the space of what the base has, unless a map that was made before still points there (a view, a clone; a check that reads the file): then it comes back with a later slice, or with the
    /// file. Returns up to where it is free.
    /// </summary>
    private long Free(Layer layer, long from, long to)
    {
        to &= ~(StoreLimits.BlockBytes - 1L);
        if (to <= from)
        {
            return from;
        }

        lock (_syncLock)
        {
            _recentMaps.Clear();
            if (layer.File.Users > 1)
            {
                return from;
            }
        }

        try
        {
            // A rebuild finds the copy when the manifest is lost, and learns where the layer begins now.
            WriteRecordCopy(layer);
        }
        catch (DiskException exception) when (exception.IsFull)
        {
            // The space matters more than a copy.
        }

        return layer.File.File.TryPunchHole(from, to - from) ? to : from;
    }

    private void RecordMerged(Layer layer, ManifestState before)
    {
        lock (_syncLock)
        {
            Layer[] layers = [.. _published.Layers.Skip(1)];
            CommitLocked(
                State with
                {
                    Merging = null,
                    MergedTo = null,
                    Layers = [.. layers.Select(l => l.Record)],
                    BaseSequence = layer.Record.Last,
                    BaseAt = layer.Record.LastAt,
                    BaseBlocks = _base.Blocks,
                    BaseSum = _base.Sum,
                    Generations = From(State.Generations, layer.Record.Last),
                },
                layers);
            _recentMaps.Clear();
            _leaving.Add(layer.File);
        }

        StoreFaults.Pass(CrashPoints.MergeRecorded);
        Forget(layer.ReadEntries(before), layer.File.Slot, long.MaxValue);
        EndLeaving(layer.File);
        DurableDirectory.Remove(layer.File.File.Path, _context.Faults);
        layer.File.Release();
    }

    /// <summary>Neighbouring blocks go together, a piece at a time.</summary>
    private void CopyToBase(Layer layer, IEnumerable<LayerIndex.Entry> entries, Action<long> pace)
    {
        var run = new LayerIndex.Entry[MergeBlocks];
        var buffer = new byte[MergeBlocks * StoreLimits.BlockBytes];
        var count = 0;
        foreach (var entry in entries)
        {
            if (count > 0 && (entry.IsZero || count == MergeBlocks || entry.FirstBlock != run[0].FirstBlock + count))
            {
                CopyRunToBase(layer, run.AsSpan(0, count), buffer, pace);
                count = 0;
            }

            if (entry.IsZero)
            {
                pace(StoreLimits.BlockBytes);
                _base.Clear(entry.FirstBlock, entry.BlockCount);
            }
            else
            {
                run[count++] = entry;
            }
        }

        if (count > 0)
        {
            CopyRunToBase(layer, run.AsSpan(0, count), buffer, pace);
        }
    }

    private void CopyRunToBase(Layer layer, ReadOnlySpan<LayerIndex.Entry> run, byte[] buffer, Action<long> pace)
    {
        pace(2L * run.Length * StoreLimits.BlockBytes);
        Span<uint> checksums = stackalloc uint[MergeBlocks];
        for (var first = 0; first < run.Length;)
        {
            var count = 1;
            while (first + count < run.Length && run[first + count].FileOffset == run[first].FileOffset + ((long)count * StoreLimits.BlockBytes))
            {
                count++;
            }

            layer.File.File.ReadExactly(buffer.AsSpan(first * StoreLimits.BlockBytes, count * StoreLimits.BlockBytes), run[first].FileOffset);
            first += count;
        }

        for (var i = 0; i < run.Length; i++)
        {
            checksums[i] = run[i].Checksum;
            if (Crc32C.Compute(buffer.AsSpan(i * StoreLimits.BlockBytes, StoreLimits.BlockBytes)) != checksums[i])
            {
                throw new CorruptDataException(layer.File.File.Path, run[i].FileOffset, $"the data of block {run[i].FirstBlock}", "something else");
            }
        }

        _base.Write(run[0].FirstBlock, buffer.AsSpan(0, run.Length * StoreLimits.BlockBytes), checksums[..run.Length]);
    }

    /// <summary>The live map lets go of what the layer says about these blocks, a leaf at a time so that writers come in between: it is in the base now.</summary>
    /// <param name="before">Of data, only what lies before this in the layer's file, and then no zeros; <see cref="long.MaxValue"/> = everything.</param>
    private void Forget(IEnumerable<LayerIndex.Entry> entries, int slot, long before)
    {
        var leaf = -1L;
        foreach (var entry in entries)
        {
            var last = (entry.FirstBlock + entry.BlockCount - 1) >> BlockMap.LeafShift;
            for (var next = Math.Max(entry.FirstBlock >> BlockMap.LeafShift, leaf + 1); next <= last; next++)
            {
                lock (_appendLock)
                {
                    _map.Forget(next << BlockMap.LeafShift, slot, before);
                }

                leaf = next;
            }
        }
    }
}
