using Dr.Edge.Volumes.Digests;
using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Format;
using Dr.Edge.Volumes.Mapping;

namespace Dr.Edge.Volumes;

/// <content>Deltas on their way in.</content>
internal sealed partial class Volume
{
    /// <summary>A staging layer left from before, with what it can be resumed at; null when there is none.</summary>
    public (PointId? BasePoint, PointId Target, long ResumePosition)? Staged
    {
        get
        {
            lock (_syncLock)
            {
                if (State.Staging is not { } mark)
                {
                    return null;
                }

                if (!File.Exists(Layer.PathOf(DirectoryPath, mark.Layer)))
                {
                    return null;
                }

                using var staging = _staging is null ? OpenStagingFile(mark) : null;
                return (mark.BasePoint, mark.Target.Id, (staging ?? _staging)!.ResumePosition);
            }
        }
    }

    /// <summary>
    /// The staging layer for a delta from <paramref name="basePoint"/> to <paramref name="target"/>, resumed when it is there already (one with other points is discarded). With a base, the delta must have every
    /// block that changed between that point and the target, or between it and <see cref="Appended"/>; without, committing replaces everything the copy holds, older points included.
    /// </summary>
    public StagingLayer OpenStaging(PointId? basePoint, PointInfo target)
    {
        lock (_syncLock)
        {
            ThrowIfFailed();
            RequireReplica();
            if (basePoint is { } id && (GetPoint(id).Sequence.Value > _appended || target.Sequence.Value < _appended))
            {
                throw new DrException($"A delta from write {GetPoint(id).Sequence} to {target.Sequence} does not fit this copy of {Name}, which is at {_appended}.");
            }

            if (State.Staging is { } mark)
            {
                if (mark.BasePoint == basePoint && mark.Target == target && File.Exists(Layer.PathOf(DirectoryPath, mark.Layer)))
                {
                    return _staging = OpenStagingFile(mark);
                }

                DiscardStaged(mark);
            }

            mark = new StagingMark(TakeLayerNumberLocked(), basePoint, target);
            CreateLayer(DirectoryPath, Id, mark.Layer, _context.Faults).Dispose();
            DurableDirectory.Sync(Path.Combine(DirectoryPath, "layers"), _context.Faults);
            CommitLocked(State with { Staging = mark });
            _staging = OpenStagingFile(mark);
            if (basePoint is null)
            {
                _staging.WriteZeroes(0, VolumeBlocks);
            }

            return _staging;
        }
    }

    internal void RequireStaging(StagingMark mark)
    {
        if (State.Staging?.Layer != mark.Layer)
        {
            throw new DrException($"The delta to point {mark.Target.Id} of {Name} is no longer wanted here.");
        }
    }

    /// <summary>Stops the volume because of a staging layer; returns what to throw.</summary>
    internal DiskException FailStaging(string path, int errno)
    {
        Fail($"{path} could not be flushed: {Posix.Describe(errno)}");
        return new DiskException(path, "flushed", errno);
    }

    /// <summary>Lets the disk begin with a part of a staging layer, so that its flush finds little left to do.</summary>
    internal void StartWriting(LayerFile file, long start, long end) => _context.Behind.Post(file, start, end);

    internal byte[] DigestStaged(StagingLayer staging, DigestKind kind)
    {
        var files = new List<LayerFile>();
        try
        {
            using var map = staging.BasePoint is null ? new BlockMap(VolumeBlocks) : BuildMap(_appended, files);
            var layer = new Layer(RecordOf(staging, 0), staging.File, staging.Tail);
            var scanner = staging.Scan();
            while (scanner.TryNext())
            {
                layer.ApplyBatch(map, scanner.Header, scanner.Section, scanner.DataFileOffset);
            }

            return PointDigest.Of(map, _context.Layers, SizeAt(staging.Target), kind);
        }
        finally
        {
            files.ForEach(file => file.Release());
        }
    }

    /// <summary>Before <see cref="CommitStaged"/> of a delta from nothing, which replaces the history that clones stand on.</summary>
    internal void DetachClones() => _context.Clones.DetachClonesOf(this);

    internal void CommitStaged(StagingLayer staging, IReadOnlyList<GenerationSpan> generations)
    {
        List<Layer> dropped = [];
        InterruptMerge();
        lock (_mergeLock)
        lock (_syncLock)
        {
            ThrowIfFailed();
            RequireReplica();
            RequireStaging(staging.Mark);
            FlushLocked();
            MakeRoomForPointLocked();
            var replaces = staging.BasePoint is null;
            if (replaces && _holds.FirstOrDefault(hold => hold.Kind == HoldKind.Clone) is { } clone)
            {
                throw new DrException($"The history of {Name} cannot be replaced yet: {clone.Reason} still stands on it.", isTransient: true);
            }

            var target = staging.Target;
            var delta = new Layer(RecordOf(staging, replaces ? 0 : _appended), staging.File.AddUser(), staging.Tail);
            var number = TakeLayerNumberLocked();
            var head = new Layer(new LayerRecord { Number = number, After = target.Sequence.Value }, OpenNextLayer(number), LayerHeader.SizeBytes);
            var kept = _published.Layers.Where(layer => !replaces && (layer != _head || layer.Tail > LayerHeader.SizeBytes)).ToList();
            dropped.AddRange(_published.Layers.Except(kept));
            if (kept.Contains(_head))
            {
                _head.Record = _head.Record with { Sealed = true, Last = _appended, LengthBytes = _head.Tail, LastAt = DateTimeOffset.UnixEpoch.AddMicroseconds(_lastMicroseconds) };
            }

            Layer[] layers = [.. kept, delta, head];
            var state = State with
            {
                Layers = [.. layers.Select(layer => layer.Record)],
                Staging = null,
                Generations = [.. generations],
                Points = replaces ? [target] : [.. State.Points, target],
            };
            if (replaces)
            {
                // The layer begins with zeros over everything, so that what is left in the base shows nowhere.
                _recentMaps.Clear();
                _holds.ForEach(hold => hold.Pin());
                if (State.Merging is not null)
                {
                    // Half a layer may be in the base: what is there is counted as it is, for nobody will finish it.
                    _base.Sync(VolumeBlocks);
                }

                state = state with { BaseSequence = 0, BaseAt = target.At, Merging = null, MergedTo = null, BaseBlocks = _base.Blocks, BaseSum = _base.Sum };
            }

            CommitLocked(state, layers);
            StoreFaults.Pass(CrashPoints.StagingCommitted);
            lock (_appendLock)
            {
                var scanner = delta.Scan(state);
                while (scanner.TryNext())
                {
                    delta.ApplyBatch(_map, scanner.Header, scanner.Section, scanner.DataFileOffset);
                }

                _head = head;
                _chain = null;
                _lastMicroseconds = Math.Max(replaces ? 0 : _lastMicroseconds, BatchHeader.ToMicroseconds(target.At));
                Volatile.Write(ref _appended, target.Sequence.Value);
                Volatile.Write(ref _durable, target.Sequence.Value);
            }

            _staging = null;
        }

        DropFiles(dropped);
        NoteCurrentAsOf(staging.Target.At);
        RaiseStateChanged();
        PostMaintenance();
    }

    internal void DiscardStaged(StagingMark mark)
    {
        lock (_syncLock)
        {
            if (State.Staging?.Layer == mark.Layer)
            {
                CommitLocked(State with { Staging = null });
                DurableDirectory.Remove(Layer.PathOf(DirectoryPath, mark.Layer), _context.Faults);
                _staging = null;
            }
        }
    }

    /// <summary>After the record that no longer names them.</summary>
    private void DropFiles(List<Layer> layers)
    {
        foreach (var layer in layers)
        {
            DurableDirectory.Remove(layer.File.File.Path, _context.Faults);
            layer.File.Release();
        }
    }

    private static LayerRecord RecordOf(StagingLayer staging, long after) => new()
    {
        Number = staging.Mark.Layer,
        After = after,
        Kind = LayerKind.Delta,
        Sealed = true,
        Last = staging.Target.Sequence.Value,
        LengthBytes = staging.Tail,
        LastAt = staging.Target.At,
    };

    private StagingLayer OpenStagingFile(StagingMark mark) =>
        new(this, mark, _context.Layers.Add(DurableFile.Open(Layer.PathOf(DirectoryPath, mark.Layer), FileMode.Open, _context.Faults)));
}
