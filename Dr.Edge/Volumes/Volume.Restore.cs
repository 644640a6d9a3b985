using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Format;
using Dr.Edge.Volumes.Mapping;

namespace Dr.Edge.Volumes;

/// <content>Rolling back: what differs is appended as new writes, so that history stays one line and the roll-back can itself be undone.</content>
internal sealed partial class Volume
{
    /// <summary>Label of the point that every restore takes first; the newest is the way back.</summary>
    internal const string BeforeRestoreLabel = "before restore";
    private const int RestoreBlocks = 256;

    /// <summary>What a restore is doing now; null when none is under way.</summary>
    public string? Restoring => _restoring;

    /// <summary>How the last restore since the volume was opened ended: one who pressed Ctrl-C at the last moment learns here that it was done.</summary>
    public RestoreOutcome? LastRestore => _lastRestore;

    /// <summary>The point that the last restore took first, while it is kept: restoring to it undoes that restore. Null when there is none.</summary>
    public PointInfo? UndoPoint => State.Points.LastOrDefault(point => point.Label == BeforeRestoreLabel);

    /// <summary>
    /// The content becomes what it was (the size stays: where the volume was smaller then, zeros follow); clients' writes are refused meanwhile. A point is taken first (returned): restoring to it undoes this. A restore that is cut off by a crash is finished
    /// when the volume is opened again. One that is cancelled is taken back before this returns, and after a crash when the volume is opened again: there is no half restored volume.
    /// </summary>
    /// <param name="progress">Told blocks done and blocks in all; may be null.</param>
    /// <param name="cancellationToken">Takes the restore back; what was done so far has to be undone, so that it takes about as long again.</param>
    /// <exception cref="OperationCanceledException">Cancelled, and the content is what it was before.</exception>
    public PointInfo Restore(PointId? point, DateTimeOffset at, Action<long, long>? progress, CancellationToken cancellationToken)
    {
        RestoreMark mark;
        PointInfo before;
        if (point is { } id)
        {
            var info = GetPoint(id);
            mark = new RestoreMark(info.Sequence.Value, id, info.At);
        }
        else
        {
            using var view = OpenView(at);
            mark = new RestoreMark(view.Sequence.Value, null, at);
        }

        Gate.Check();
        _restoring = $"the volume is being restored to {mark.At:O}";
        try
        {
            using var hold = HoldPosition(new SequenceNumber(mark.Sequence), "a restore needs it");
            UpdateGate();
            lock (_appendLock)
            {
                // Taken only to wait for the client writes in flight.
            }

            lock (_syncLock)
            {
                before = SealLocked(
                    sequence => MakePoint(sequence, Now(), BeforeRestoreLabel, PointConsistency.Crash, $"taken before a restore to {mark.At:O}"),
                    state => state with { Restoring = mark });
            }

            StoreFaults.Pass(CrashPoints.RestoreBegun);
            try
            {
                Restore(mark, progress, cancellationToken);
                _lastRestore = new RestoreOutcome(before.Id, mark.At, Done: true);
            }
            catch (OperationCanceledException)
            {
                TakeRestoreBack(before);
                _lastRestore = new RestoreOutcome(before.Id, mark.At, Done: false);
                throw;
            }
        }
        catch
        {
            GiveUpRestore();
            throw;
        }
        finally
        {
            _restoring = null;
            RaiseStateChanged();
        }

        return before;
    }

    /// <summary>From the record on, also a start after a crash goes back to the point that was taken first.</summary>
    private void TakeRestoreBack(PointInfo before)
    {
        var mark = new RestoreMark(before.Sequence.Value, before.Id, before.At);
        _restoring = "a restore was cancelled: the volume is being put back to what it was before";
        UpdateGate();
        lock (_syncLock)
        {
            CommitLocked(State with { Restoring = mark });
        }

        StoreFaults.Pass(CrashPoints.RestoreCancelled);
        Restore(mark, progress: null, CancellationToken.None);
    }

    /// <summary>Clients may write again after this, so that the next start must not go on restoring over what they wrote. What was restored stays; the point taken first is the way back.</summary>
    private void GiveUpRestore()
    {
        lock (_syncLock)
        {
            if (State.Restoring is not null && Fault is null && !_closed)
            {
                CommitLocked(State with { Restoring = null });
            }
        }
    }

    private void Restore(RestoreMark mark, Action<long, long>? progress, CancellationToken cancellationToken)
    {
        using (var view = OpenView(mark.Sequence, mark.At, "a restore reads it"))
        {
            CopyDifferences(view, progress, cancellationToken);
        }

        lock (_syncLock)
        {
            FlushLocked();
            CommitLocked(State with { Restoring = null });
        }
    }

    private void CopyDifferences(VolumeView view, Action<long, long>? progress, CancellationToken cancellationToken)
    {
        using var batch = new BatchBuilder();

        // The volume may grow meanwhile: what is added is zeros, then and now. One that was smaller then has zeros behind its end.
        var blocks = VolumeBlocks;
        view.Map.Grow(blocks);
        for (long block = 0; block < blocks;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            block = FindDifference(view, block, blocks);
            if (block >= blocks)
            {
                break;
            }

            batch.Begin(RestoreBlocks, RestoreBlocks);
            while (batch.ExtentCount < RestoreBlocks && block < blocks)
            {
                if (!view.Map.IsContent(block, view.Map.Get(block, out _)))
                {
                    var end = Math.Min(view.Map.Find(block, blocks, content: true), block + uint.MaxValue);
                    batch.AddZero(block, (uint)(end - block));
                    block = end;
                }
                else
                {
                    var data = batch.AddData(block, 1);
                    view.Read(block * StoreLimits.BlockBytes, data);
                    batch.Sum(batch.DataBlockCount - 1, 1);
                    block++;
                }

                block = FindDifference(view, block, blocks);
            }

            AdmitWrite(batch.DataBlockCount * (long)StoreLimits.BlockBytes);
            lock (_appendLock)
            {
                ThrowIfFailed();
                if (_shutting is not null || State.Role != VolumeRole.Primary)
                {
                    throw new DrException($"The restore of {Name} was stopped: it is no longer writable.", "Restore where the volume is primary.");
                }

                AppendLocked(batch);
            }

            StoreFaults.Pass(CrashPoints.RestoreHalf);
            progress?.Invoke(Math.Min(block, blocks), blocks);
        }

        cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>The same location is the same content; other locations are copied without comparing.</summary>
    private long FindDifference(VolumeView view, long block, long blocks)
    {
        while (block < blocks)
        {
            var now = _map.Get(block, out _);
            var then = view.Map.Get(block, out _);
            if (!_map.IsContent(block, now) && !view.Map.IsContent(block, then))
            {
                block = Math.Min(_map.Find(block, blocks, content: true), view.Map.Find(block, blocks, content: true));
            }
            else if (now == then && _map.Base == view.Map.Base)
            {
                block++;
            }
            else
            {
                return block;
            }
        }

        return blocks;
    }
}
