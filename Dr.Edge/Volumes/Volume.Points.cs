namespace Dr.Edge.Volumes;

/// <content>Points: a point seals the head, so that it costs the same whatever the volume's size.</content>
internal sealed partial class Volume
{
    /// <summary>Takes a point at the end of what is appended now; durable on return.</summary>
    public PointInfo CreatePoint(string? label, PointConsistency consistency, string? reason) => CreatePoint(label, () => (consistency, reason));

    /// <summary>The same.</summary>
    /// <param name="claim">Asked once, after the last write that the point has and before the point is recorded; under a lock of the volume, and it must not throw.</param>
    public PointInfo CreatePoint(string? label, Func<(PointConsistency Consistency, string? Reason)> claim)
    {
        PointInfo point;
        var next = PrepareHead();
        lock (_syncLock)
        {
            try
            {
                RequirePrimaryLocked();
                point = SealLocked(
                    sequence =>
                    {
                        var (consistency, reason) = claim();
                        return MakePoint(sequence, Now(), label, consistency, reason);
                    },
                    state => state,
                    next);
            }
            finally
            {
                DropIfUnused(next);
            }
        }

        RaiseStateChanged();
        PostSpare();
        PostMaintenance();
        return point;
    }

    /// <summary>False when there is no such point.</summary>
    /// <param name="giveUpMoments">Its space is wanted now: the moments that led up to it, from the point before, go with it although the fine window would keep them.</param>
    /// <exception cref="DrException">It is held (an open view, a clone, replication).</exception>
    public bool DeletePoint(PointId point, bool giveUpMoments = false)
    {
        lock (_syncLock)
        {
            ThrowIfFailed();
            if (State.Points.FirstOrDefault(p => p.Id == point) is not { } found)
            {
                return false;
            }

            RequireFreeLocked(found);
            var points = State.Points.Where(p => p.Id != point).ToList();
            if (!giveUpMoments)
            {
                CommitLocked(State with { Points = points });
            }
            else
            {
                var from = points.Where(p => p.Sequence <= found.Sequence).Select(p => p.Sequence.Value).DefaultIfEmpty(0).Max();
                var givenUp = _published.Layers.Where(layer => layer.Record.Sealed && layer.Record.After >= from && layer.Record.Last <= found.Sequence.Value).ToDictionary(layer => layer, layer => layer.Record with { GivenUp = true });
                CommitLocked(State with { Points = points, Layers = [.. _published.Layers.Select(layer => givenUp.GetValueOrDefault(layer, layer.Record))] });
                foreach (var (layer, record) in givenUp)
                {
                    layer.Record = record;
                }
            }
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

    private void RequirePrimaryLocked()
    {
        ThrowIfFailed();
        if (State.Role != VolumeRole.Primary)
        {
            throw new DrException($"Volume {Name} is not primary here: its points come from the copy that is.", "Take the point where the volume is primary.");
        }
    }

    private PointInfo MakePoint(long sequence, DateTimeOffset at, string? label, PointConsistency consistency, string? reason)
    {
        at = new DateTimeOffset(at.Ticks - (at.Ticks % TimeSpan.TicksPerMicrosecond), TimeSpan.Zero);

        // Of what is random in it only the low bits count. Asking for them in this way loads no cryptographic library, for which the first point after a start would wait.
        var id = PointId.From(at, BitConverter.ToUInt32(Guid.NewGuid().ToByteArray()) & int.MaxValue);
        if (State.Points.Count > 0 && id <= State.Points[^1].Id)
        {
            // Two points in one millisecond keep their order.
            id = new PointId(State.Points[^1].Id.Bits + 1);
        }

        return new PointInfo { Id = id, At = at, Sequence = new SequenceNumber(sequence), Label = label, Consistency = consistency, Reason = reason };
    }
}
