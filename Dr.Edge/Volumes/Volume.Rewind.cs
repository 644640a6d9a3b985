using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Format;

namespace Dr.Edge.Volumes;

/// <content>The way back for a copy whose tail the others do not have.</content>
internal sealed partial class Volume
{
    /// <summary>Label of the point that a tail clone gets once everything is in it.</summary>
    internal const string TailCompleteLabel = "tail";

    /// <summary>
    /// Goes back to <paramref name="sequence"/>, or to the last position before it at which this copy can stand (a received delta is one piece): what came after is kept as the clone <paramref name="tailCloneName"/> (points included) before anything is taken off here.
    /// Nothing to do when it is there already. Role must not be primary. Views that are open on the tail stay readable.
    /// </summary>
    public void RewindTo(SequenceNumber sequence, string tailCloneName)
    {
        if (sequence.Value == _appended)
        {
            return;
        }

        lock (_syncLock)
        {
            ThrowIfFailed();
            RequireReplica();
            if (sequence.Value > _appended || !Reaches(sequence))
            {
                throw new DrException($"Volume {Name} holds writes {HistoryFloor} to {_appended}; it cannot go back to {sequence}.");
            }

            sequence = new SequenceNumber(Reachable(sequence.Value));
            FlushLocked();
        }

        _context.Clones.KeepTail(this, sequence.Value, tailCloneName);
        StoreFaults.Pass(CrashPoints.RewindCloned);
        CutTail(sequence.Value);
        RaiseStateChanged();
        PostMaintenance();
    }

    /// <summary>False when the history that can be gone back to begins later.</summary>
    internal bool Reaches(SequenceNumber sequence)
    {
        lock (_syncLock)
        {
            // A delta from nothing hides what the base had before it: without that delta there is nothing that could be shown.
            return sequence.Value >= HistoryFloor && (_base.Blocks == 0 || State.BaseSequence > 0 || Reachable(sequence.Value) > 0);
        }
    }

    /// <summary>Keeps everything that is here now as the clone <paramref name="tailCloneName"/>; done also when that is there already. Role must not be primary.</summary>
    internal void KeepAs(string tailCloneName)
    {
        lock (_syncLock)
        {
            ThrowIfFailed();
            RequireReplica();
            FlushLocked();
        }

        _context.Clones.KeepTail(this, _appended, tailCloneName);
    }

    /// <summary>What the volume holds after a position, put into <paramref name="clone"/>, which begins there: batch by batch with its points, or, where the journal has a gap, as one difference.</summary>
    internal void CopyTailTo(Volume clone, long sequence)
    {
        using (var reader = ReadJournal(new SequenceNumber(sequence)))
        {
            JournalStatus status;
            while ((status = reader.TryRead(out var item)) == JournalStatus.Item)
            {
                switch (item)
                {
                    case JournalItem.Batch batch:
                        clone.WriteForeign(batch.Bytes.Span);
                        break;
                    case JournalItem.Point { Info: var point } when point.Sequence.Value > sequence:
                        clone.CreatePoint(point.Label ?? $"point {point.Id}", point.Consistency, $"point {point.Id} of {point.At:O} on {Name}");
                        break;
                }
            }

            if (status == JournalStatus.Gone)
            {
                using var now = OpenView(_appended, Now(), "its tail is being kept");
                clone.CopyDifferences(now, null, CancellationToken.None);
            }
        }

        clone.RequireFlushed();
        clone.CreatePoint(TailCompleteLabel, PointConsistency.Crash, $"everything {Name} held after write {sequence}");
    }

    /// <summary>Appends the extents of another volume's batch as writes of this one.</summary>
    private void WriteForeign(ReadOnlySpan<byte> bytes)
    {
        _ = BatchHeader.TryRead(bytes, out var header);
        var section = bytes[BatchHeader.SizeBytes..header.DataOffset];
        using var batch = new BatchBuilder();
        batch.Begin(header.ExtentCount, header.DataBlockCount);
        var data = bytes[header.DataOffset..];
        for (var i = 0; i < header.ExtentCount; i++)
        {
            var extent = BatchReader.Descriptor(section, i);
            if (extent.Kind == ExtentKind.Zero)
            {
                batch.AddZero(extent.FirstBlock, extent.BlockCount);
                continue;
            }

            var length = (int)extent.BlockCount * StoreLimits.BlockBytes;
            data[..length].CopyTo(batch.AddData(extent.FirstBlock, (int)extent.BlockCount));
            data = data[length..];
        }

        batch.Sum(0, header.DataBlockCount);
        lock (_appendLock)
        {
            ThrowIfFailed();
            AppendLocked(batch);
        }
    }

    // The newest position at or before the one given that is the end of a batch.
    private long Reachable(long sequence)
    {
        var reached = State.BaseSequence;
        foreach (var layer in _published.Layers.TakeWhile(layer => layer.Record.After < sequence))
        {
            reached = layer.Record.After;
            if (End(layer) <= sequence)
            {
                reached = End(layer);
            }
            else if (layer.Record.Kind == LayerKind.Log)
            {
                var scanner = layer.Scan(State);
                while (scanner.TryNext() && scanner.Header.LastSequence <= sequence)
                {
                    reached = scanner.Header.LastSequence;
                }
            }
        }

        return reached;
    }

    private void CutTail(long sequence)
    {
        List<Layer> dropped = [];
        InterruptMerge();
        lock (_mergeLock)
        lock (_syncLock)
        {
            ThrowIfFailed();
            RequireReplica(); // It may have been promoted while its tail was being kept; then what is here is the volume.
            var kept = new List<Layer>();

            // Known only when the last layer that stays is a log that is cut: what went into the base, or was sealed, says nothing of its last batch. What is not known is not held against whoever sends what follows.
            uint? chain = null;
            foreach (var layer in _published.Layers)
            {
                if (layer.Record.After >= sequence)
                {
                    dropped.Add(layer);
                }
                else if (layer.Record.Sealed && layer.Record.Last <= sequence)
                {
                    kept.Add(layer);
                }
                else
                {
                    kept.Add(CutLayer(layer, sequence, out chain));
                }
            }

            var at = kept.Count > 0 ? kept[^1].Record.LastAt : State.BaseAt;
            var number = TakeLayerNumberLocked();
            var head = new Layer(new LayerRecord { Number = number, After = sequence, ChainStart = sequence == 0 ? 0 : chain }, OpenNextLayer(number), LayerHeader.SizeBytes);
            Layer[] layers = [.. kept, head];
            CommitLocked(
                State with
                {
                    Layers = [.. layers.Select(layer => layer.Record)],
                    Points = [.. State.Points.Where(point => point.Sequence.Value <= sequence)],
                    Generations = [.. State.Generations.Where(span => span.After.Value < sequence)],
                    Staging = null,
                },
                layers);
            StoreFaults.Pass(CrashPoints.RewindRecorded);
            var files = new List<LayerFile>();
            _recentMaps.Clear();
            var map = BuildMap(sequence, files, becomesLive: true);
            lock (_appendLock)
            {
                _map = map;
                _head = head;
                _chain = head.Record.ChainStart;
                _lastMicroseconds = BatchHeader.ToMicroseconds(at);
                Volatile.Write(ref _appended, sequence);
                Volatile.Write(ref _durable, sequence);
            }

            _currentAsOf = at;
            files.ForEach(file => file.Release());
        }

        DropFiles(dropped);
    }

    /// <summary>The part of a layer up to a position: the same file with a shorter record. The rest stays in the file for the views that read it.</summary>
    private Layer CutLayer(Layer layer, long sequence, out uint? chain)
    {
        var scanner = layer.Scan(State);
        while (scanner.TryNext())
        {
            if (scanner.Header.LastSequence == sequence && layer.Record.Kind == LayerKind.Log)
            {
                chain = scanner.Header.HeaderChecksum;
                return new Layer(
                    layer.Record with { Sealed = true, Last = sequence, LengthBytes = scanner.NextOffset, LastAt = scanner.Header.At, HasCutTail = true },
                    layer.File,
                    scanner.NextOffset);
            }
        }

        throw new DrException($"Write {sequence} of {Name} is not the end of a batch; it cannot go back there.");
    }
}
