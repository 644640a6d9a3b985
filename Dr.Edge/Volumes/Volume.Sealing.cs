using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Format;

namespace Dr.Edge.Volumes;

/// <content>
/// How the head ends: a file is made for the next one (slow, no lock), the head is swapped (the append lock, a few assignments), the old head is flushed and one record names everything (the sync
/// lock). Writers wait for the swap only, those who want to be durable for all of it.
/// </content>
internal sealed partial class Volume
{
    // Under the sync lock. Numbers are taken before a record says so, so that files can be made in the background; a crash forgets those that no record used, and their files are removed at the next open.
    private long _nextLayer;

    /// <summary>Under the sync lock: a number that no layer has had since the volume was opened.</summary>
    private long TakeLayerNumberLocked()
    {
        _nextLayer = Math.Max(_nextLayer, State.NextLayer);
        DropSpareLocked();
        return _nextLayer++;
    }

    /// <summary>Under the sync lock: ends the head with a point (and whatever else <paramref name="change"/> adds to the same record).</summary>
    /// <param name="next">From <see cref="PrepareHead"/>; null makes the file here.</param>
    private PointInfo SealLocked(Func<long, PointInfo> makePoint, Func<ManifestState, ManifestState> change, NextHead? next = null)
    {
        RequireRoomLocked(isPoint: true);

        // In the same record, so that a crash leaves either all of it or nothing of it.
        var going = PointsThatGiveWayLocked();
        PointInfo? point = null;
        SealHeadLocked(
            (state, sequence) =>
            {
                point = makePoint(sequence);
                return change(state with { Points = [.. state.Points.Where(p => !going.Contains(p.Id)), point] });
            },
            next);
        StoreFaults.Pass(CrashPoints.PointRecorded);
        return point!;
    }

    /// <summary>
    /// Under the sync lock: puts a new head in place (writers go on in it at once), flushes the old one, then makes both durable in one manifest record. Until then no flush is answered. A head without a
    /// batch is replaced too: what is written behind the point must not be seen by readers of the journal before the point is.
    /// </summary>
    private void SealHeadLocked(Func<ManifestState, long, ManifestState> change, NextHead? next = null)
    {
        // Once the head is swapped there is no way back: writers go on in a file that only the record names.
        RequireRoomLocked(isPoint: false);
        if (next is null || IsOutrunLocked(next))
        {
            next = TakeSpareLocked() ?? OpenNextHead(TakeLayerNumberLocked());
        }

        HeadSwap swap;
        TimeSpan pause;
        var started = _context.Time.GetTimestamp();
        lock (_appendLock)
        {
            var locked = _context.Time.GetTimestamp();
            swap = SwapHeadLocked(next);
            pause = _context.Time.GetElapsedTime(locked);
        }

        StoreFaults.Pass(CrashPoints.PointHeadSwapped);
        CompleteSwapLocked(swap, change);
        VolumeInstruments.Paused(Name, pause);
        VolumeInstruments.PointTaken(Name, _context.Time.GetElapsedTime(started));
    }

    /// <summary>Without a lock: the file that the next head will have; <see cref="DropIfUnused"/> afterwards, whatever happened.</summary>
    private NextHead PrepareHead()
    {
        long number;
        lock (_spareLock) // One that is being made is ready before another would be.
        lock (_syncLock)
        {
            ThrowIfFailed();
            RequireRoomLocked(isPoint: true);
            if (TakeSpareLocked() is { } spare)
            {
                return spare;
            }

            number = TakeLayerNumberLocked();
        }

        return OpenNextHead(number);
    }

    /// <summary>Under the sync lock: a record names a higher number meanwhile. A rebuild takes only higher numbers than its record's for newer, so that the head must not have a lower one.</summary>
    private bool IsOutrunLocked(NextHead next) => next.Number < State.NextLayer;

    private NextHead OpenNextHead(long number) => new(number, OpenNextLayer(number));

    private void DropIfUnused(NextHead next)
    {
        if (!next.IsUsed)
        {
            next.File.Release();
            DurableDirectory.Remove(next.File.File.Path, _context.Faults);
        }
    }

    /// <summary>Under both locks. Nothing here waits for anything: writers of the volume (and, in a group, of all its volumes) do.</summary>
    private HeadSwap SwapHeadLocked(NextHead next)
    {
        var old = _head;
        var sequence = _appended;
        var head = new Layer(new LayerRecord { Number = next.Number, After = sequence, ChainStart = _chain }, next.File, LayerHeader.SizeBytes);
        var isEmpty = old.Tail == LayerHeader.SizeBytes;
        if (!isEmpty)
        {
            old.Record = old.Record with { Sealed = true, Last = sequence, LengthBytes = old.Tail, LastAt = DateTimeOffset.UnixEpoch.AddMicroseconds(_lastMicroseconds) };
            if (_recentMaps.Wants(old.Record.LastAt))
            {
                _recentMaps.Keep(_map, sequence, old.Record.LastAt);
            }
        }

        _head = head;
        next.IsUsed = true;
        _takesPoints = true;
        return new HeadSwap(old, head, sequence, isEmpty);
    }

    /// <summary>Under the sync lock, after <see cref="SwapHeadLocked"/>: durable on return. A failure stops the volume.</summary>
    private void CompleteSwapLocked(HeadSwap swap, Func<ManifestState, long, ManifestState> change)
    {
        var old = swap.Old;
        if (!swap.OldIsEmpty && _durable < swap.Sequence)
        {
            var errno = old.File.File.TrySyncData();
            if (errno != 0)
            {
                Fail($"{old.File.File.Path} could not be flushed: {Posix.Describe(errno)}");
                throw new DiskException(old.File.File.Path, "flushed", errno);
            }
        }

        StoreFaults.Pass(CrashPoints.PointLayerSynced);
        Layer[] layers = [.. _published.Layers.Where(layer => !swap.OldIsEmpty || layer != old), swap.Head];
        try
        {
            CommitLocked(change(State with { Layers = [.. layers.Select(layer => layer.Record)] }, swap.Sequence), layers);
        }
        catch (DiskException exception) when (exception.IsFull)
        {
            // The new head may have taken writes already and no record names it: going on would lose them at the next start.
            Fail("the disk is full: its manifest could not be written");
            throw;
        }

        Volatile.Write(ref _durable, Math.Max(_durable, swap.Sequence));
        if (swap.OldIsEmpty)
        {
            DropFiles([old]);
        }
    }

    private LayerFile OpenNextLayer(long number)
    {
        try
        {
            var file = CreateLayer(DirectoryPath, Id, number, _context.Faults);
            DurableDirectory.Sync(Path.Combine(DirectoryPath, "layers"), _context.Faults);
            StoreFaults.Pass(CrashPoints.PointLayerCreated);
            return _context.Layers.Add(file);
        }
        catch (DiskException exception) when (!exception.IsFull)
        {
            Fail($"a new layer could not be made: {exception.Message}");
            throw;
        }
    }

    /// <summary>A file that is ready to become the head.</summary>
    private sealed class NextHead(long number, LayerFile file)
    {
        public long Number { get; } = number;

        public LayerFile File { get; } = file;

        public bool IsUsed { get; set; }
    }

    /// <param name="Sequence">Where the old head ended.</param>
    /// <param name="OldIsEmpty">Nothing was written to the old head: it goes instead of being sealed.</param>
    private sealed record HeadSwap(Layer Old, Layer Head, long Sequence, bool OldIsEmpty);
}
