using System.Security.Cryptography;
using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Format;

namespace Dr.Edge.Volumes;

/// <content>Points: a point seals the head, so that it costs the same whatever the volume's size.</content>
internal sealed partial class Volume
{
    /// <summary>Takes a point at the end of what is appended now; durable on return.</summary>
    public PointInfo CreatePoint(string? label, PointConsistency consistency, string? reason)
    {
        PointInfo point;
        lock (_syncLock)
        {
            ThrowIfFailed();
            if (State.Role != VolumeRole.Primary)
            {
                throw new DrException($"Volume {Name} is not primary here: its points come from the copy that is.", "Take the point where the volume is primary.");
            }

            point = SealLocked(sequence => MakePoint(sequence, label, consistency, reason), state => state);
        }

        RaiseStateChanged();
        PostMaintenance();
        return point;
    }

    /// <summary>False when there is no such point.</summary>
    /// <exception cref="DrException">It is held (an open view, a clone, replication).</exception>
    public bool DeletePoint(PointId point)
    {
        lock (_syncLock)
        {
            ThrowIfFailed();
            if (State.Points.FirstOrDefault(p => p.Id == point) is not { } found)
            {
                return false;
            }

            RequireFreeLocked(found);
            CommitLocked(State with { Points = [.. State.Points.Where(p => p.Id != point)] });
        }

        RaiseStateChanged();
        PostMaintenance();
        return true;
    }

    /// <summary>Nothing was written since the newest point: it says all there is to say.</summary>
    public bool IsCoveredByPoint => State.Points is [.., var newest] && newest.Sequence.Value == Volatile.Read(ref _appended);

    /// <summary>How fresh the history is: the newest point's time, or now when nothing was written since it. Null without points.</summary>
    public DateTimeOffset? HistoryAsOf => State.Points is [.., var newest] ? IsCoveredByPoint ? _context.Time.GetUtcNow() : newest.At : null;

    public PointInfo GetPoint(PointId point) =>
        State.Points.FirstOrDefault(p => p.Id == point) ?? throw new DrException($"Volume {Name} has no point {point}.", $"'dr-edge point list {Name}' shows those it has.");

    /// <summary>Under the sync lock: ends the head with a point (and whatever else <paramref name="change"/> adds to the same record).</summary>
    private PointInfo SealLocked(Func<long, PointInfo> makePoint, Func<ManifestState, ManifestState> change)
    {
        RequireRoomLocked(isPoint: true);

        // In the same record, so that a crash leaves either all of it or nothing of it.
        var going = PointsThatGiveWayLocked();
        PointInfo? point = null;
        SealHeadLocked((state, sequence) =>
        {
            point = makePoint(sequence);
            return change(state with { Points = [.. state.Points.Where(p => !going.Contains(p.Id)), point] });
        });
        StoreFaults.Pass(CrashPoints.PointRecorded);
        return point!;
    }

    /// <summary>
    /// Under the sync lock: puts a new head in place (writers go on in it at once), flushes the old one, then makes both durable in one manifest record. Until then no flush is answered.
    /// A head without a batch stays the head.
    /// </summary>
    private void SealHeadLocked(Func<ManifestState, long, ManifestState> change)
    {
        if (_head.Tail == LayerHeader.SizeBytes)
        {
            lock (_appendLock)
            {
                // Nobody appends between this check and the record: a first batch would belong behind the point.
                if (_head.Tail == LayerHeader.SizeBytes)
                {
                    CommitLocked(change(State, _appended));
                    return;
                }
            }
        }

        // Once the head is swapped there is no way back: writers go on in a file that only the record names.
        RequireRoomLocked(isPoint: false);
        var next = OpenNextLayer(State.NextLayer);
        var old = _head;
        Layer head;
        long sequence;
        lock (_appendLock)
        {
            sequence = _appended;
            head = new Layer(new LayerRecord { Number = State.NextLayer, After = sequence, ChainStart = _chain }, next, LayerHeader.SizeBytes);
            old.Record = old.Record with { Sealed = true, Last = sequence, LengthBytes = old.Tail, LastAt = DateTimeOffset.UnixEpoch.AddMicroseconds(_lastMicroseconds) };
            _head = head;
            if (_recentMaps.Wants(old.Record.LastAt))
            {
                _recentMaps.Keep(_map, sequence, old.Record.LastAt);
            }
        }

        StoreFaults.Pass(CrashPoints.PointHeadSwapped);
        DropRoom(old);
        var errno = old.File.File.TrySyncData();
        if (errno != 0)
        {
            Fail($"{old.File.File.Path} could not be flushed: {Posix.Describe(errno)}");
            throw new DiskException(old.File.File.Path, "flushed", errno);
        }

        StoreFaults.Pass(CrashPoints.PointLayerSynced);
        Layer[] layers = [.. _published.Layers, head];
        try
        {
            CommitLocked(change(State with { Layers = [.. layers.Select(layer => layer.Record)], NextLayer = State.NextLayer + 1 }, sequence), layers);
        }
        catch (DiskException exception) when (exception.IsFull)
        {
            // The new head may have taken writes already and no record names it: going on would lose them at the next start.
            Fail("the disk is full: its manifest could not be written");
            throw;
        }

        Volatile.Write(ref _durable, Math.Max(_durable, sequence));
    }

    private LayerFile OpenNextLayer(long number)
    {
        var file = CreateLayer(DirectoryPath, Id, number, _context.Faults);
        DurableDirectory.Sync(Path.Combine(DirectoryPath, "layers"), _context.Faults);
        StoreFaults.Pass(CrashPoints.PointLayerCreated);
        return _context.Layers.Add(file);
    }

    private PointInfo MakePoint(long sequence, string? label, PointConsistency consistency, string? reason)
    {
        var at = Now();
        at = new DateTimeOffset(at.Ticks - (at.Ticks % TimeSpan.TicksPerMicrosecond), TimeSpan.Zero);
        var id = PointId.From(at, (uint)RandomNumberGenerator.GetInt32(int.MaxValue));
        if (State.Points.Count > 0 && id <= State.Points[^1].Id)
        {
            // Two points in one millisecond keep their order.
            id = new PointId(State.Points[^1].Id.Bits + 1);
        }

        return new PointInfo { Id = id, At = at, Sequence = new SequenceNumber(sequence), Label = label, Consistency = consistency, Reason = reason };
    }
}
