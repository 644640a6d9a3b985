using System.Buffers;
using Dr.Edge.Volumes.Background;
using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Format;

namespace Dr.Edge.Volumes;

/// <content>Work in the background: indexes of sealed layers, and what moves into the base.</content>
internal sealed partial class Volume
{
    // Set while a layer moves into the base; whoever needs the merge lock ends the wait for the disk's turn with it.
    private volatile CancellationTokenSource? _mergeCancel;

    private WorkPacer? _pacer;

    /// <summary>
    /// Moves into the base what no point, view, clone, copy or fine window needs any more. Returns how many layers went. Yields to clients, and to whoever needs the merge lock: what was begun is then
    /// gone on with the next time.
    /// </summary>
    internal int AdvanceBase()
    {
        for (var count = 0; ; count++)
        {
            lock (_mergeLock)
            {
                Layer? layer;
                lock (_syncLock)
                {
                    layer = _closed || Fault is not null || Origin is not null ? null : FindExpiredLocked();
                    if (layer is not null && State.Merging is null)
                    {
                        CommitLocked(State with { Merging = layer.Record.Number, MergedTo = null });
                    }
                }

                if (layer is null)
                {
                    return count;
                }

                StoreFaults.Pass(CrashPoints.MergeBegun);
                using var cancel = CancellationTokenSource.CreateLinkedTokenSource(_context.Maintenance.Stopping);
                _mergeCancel = cancel;
                try
                {
                    MergeIntoBase(layer, bytes => Pace(bytes, cancel.Token));
                }
                catch (OperationCanceledException)
                {
                    return count;
                }
                finally
                {
                    _mergeCancel = null;
                }
            }
        }
    }

    /// <summary>Before taking the merge lock: whoever moves a layer into the base gives it up soon.</summary>
    private void InterruptMerge()
    {
        try
        {
            _mergeCancel?.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It has just ended by itself.
        }
    }

    private void Pace(long bytes) => Pace(bytes, _context.Maintenance.Stopping);

    /// <summary>Waits for the turn of work in the background; outside the sync and the append lock.</summary>
    /// <exception cref="OperationCanceledException">The store stops, or somebody else needs the volume.</exception>
    private void Pace(long bytes, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (_closed)
        {
            throw new OperationCanceledException("the volume is closed");
        }

        _pacer ??= _context.NewPacer();
        _pacer.Hurry = !_context.IsPaced || _context.Space.IsShort;
        _pacer.Wait(bytes, cancellationToken);
    }

    /// <summary>Sealed layers get the index that a point did not wait for.</summary>
    internal void WriteMissingIndexes()
    {
        var (state, layers, hold) = Capture(null, "indexes are being written");
        using (hold)
        {
            try
            {
                foreach (var layer in layers.Where(layer => layer.Record is { Sealed: true, HasCutTail: false } && !_closed && !layer.IsIndexed))
                {
                    DropRoom(layer);
                    if (!layer.FindIndex(state))
                    {
                        layer.WriteIndex(state);
                        WriteRecordCopy(layer);
                    }
                }
            }
            finally
            {
                Release(layers);
            }
        }
    }

    /// <summary>Behind the index of a sealed layer, the manifest's last record once more, byte by byte.</summary>
    private void WriteRecordCopy(Layer layer)
    {
        byte[] copy;
        int length;
        lock (_syncLock)
        {
            var record = _manifest.LastRecord;
            (copy, length) = (ArrayPool<byte>.Shared.Rent(record.Length), record.Length);
            record.CopyTo(copy);
        }

        try
        {
            layer.WriteRecordCopy(copy.AsSpan(0, length));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(copy);
        }
    }

    /// <summary>Has indexes written, the oldest layers moved into the base and middle ones merged, in the background; one request at a time waits.</summary>
    internal void PostMaintenance()
    {
        if (Interlocked.Exchange(ref _maintenancePosted, 1) == 0)
        {
            _context.Maintenance.Post(Maintain);
        }
    }

    private int _maintenancePosted;

    private void Maintain()
    {
        Volatile.Write(ref _maintenancePosted, 0);
        if (_closed || Fault is not null)
        {
            return;
        }

        try
        {
            WriteMissingIndexes();
        }
        catch (DiskException exception) when (exception.IsFull)
        {
            // Without one more time is needed, not more space: what makes space must not wait for it.
        }

        AdvanceBase();
        try
        {
            Compact();
            PrepareManifest();
        }
        catch (OperationCanceledException)
        {
            // The store stops, or the volume is closed: nothing was changed, and the next start finds it again.
        }

        MakeSpare(); // What was compacted took its number.
    }

    /// <summary>The oldest layer, when everything that needs the state before its end is gone (or it was on its way before a restart: there is no way back).</summary>
    private Layer? FindExpiredLocked()
    {
        var oldest = _published.Layers[0];
        if (State.Merging == oldest.Record.Number)
        {
            return oldest;
        }

        var givesWay = GivesWayNow;
        var givenUp = oldest.Record.GivenUp is true;
        if (!oldest.Record.Sealed || (((State.Points.Count == 0 && !givenUp) || AgingFrozen is not null) && !givesWay) || State.Restoring is not null)
        {
            return null;
        }

        var needed = Math.Min(State.Points.Count == 0 ? long.MaxValue : State.Points.Min(point => point.Sequence.Value), _holds.Count == 0 ? long.MaxValue : _holds.Min(hold => hold.Sequence));
        return oldest.Record.Last <= needed && (givesWay || givenUp || oldest.Record.LastAt <= _context.Time.GetUtcNow() - Policy.FineWindow) ? oldest : null;
    }

    /// <summary>The generations from the one that wrote the position <paramref name="sequence"/> on: a copy that stands exactly there is met by its name.</summary>
    private static IReadOnlyList<GenerationSpan> From(IReadOnlyList<GenerationSpan> generations, long sequence) =>
        [.. generations.Where((_, i) => i == generations.Count - 1 || generations[i + 1].After.Value >= sequence)];

    /// <summary>No map made from now on points into the file; those made before have their own hold on it.</summary>
    private void EndLeaving(LayerFile file)
    {
        lock (_syncLock)
        {
            _recentMaps.Clear();
            _leaving.Remove(file);
        }
    }
}
