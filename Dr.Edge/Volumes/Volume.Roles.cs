using Dr.Edge.Volumes.Disk;

namespace Dr.Edge.Volumes;

/// <content>Who may write: role and epoch. The superblock learns of a higher epoch before the manifest does, so that losing either never lowers it.</content>
internal sealed partial class Volume
{
    /// <summary>
    /// Becomes primary. The epoch must be higher than any seen, or the one it is primary at already, or the highest seen as long as that is not known to be another's. A new generation begins at
    /// <see cref="Appended"/>; durable on return.
    /// </summary>
    /// <exception cref="FencedException">The epoch is too low, or another's.</exception>
    public void Promote(Epoch epoch)
    {
        lock (_syncLock)
        {
            ThrowIfFailed();
            if (State.Role == VolumeRole.Primary && State.PrimaryEpoch == epoch && State.Epoch == epoch)
            {
                return;
            }

            if (epoch <= State.Epoch && !(epoch == State.Epoch && State.PrimaryEpoch < epoch && State.Role != VolumeRole.Primary))
            {
                throw new FencedException($"Volume {Name} has seen epoch {State.Epoch}; it cannot become primary at {epoch}.", "Promote with a higher epoch.");
            }

            if (epoch <= State.ForeignEpoch)
            {
                throw new FencedException($"Epoch {epoch} of volume {Name} belongs to another copy; there cannot be two primaries at it.", $"Promote with a higher epoch, at least {epoch.Next}.");
            }

            if (State.Role == VolumeRole.Replica && _appended == 0 && State.Points.Count == 0 && _currentAsOf is null)
            {
                throw new DrException($"The copy of {Name} here is empty: its first copy has not arrived, so nothing could be served from it.", "Wait for the first copy, or promote a copy that has content.");
            }

            // A delta on its way in is not part of the volume: the new primary starts from the last point that was committed.
            var staged = State.Staging;
            var generation = Generation.New();
            WriteSuperblockLocked(epoch, generation);
            FlushLocked();
            lock (_appendLock)
            {
                CommitLocked(State with
                {
                    Role = VolumeRole.Primary,
                    Staging = null,
                    Restoring = null,
                    Epoch = epoch,
                    OwnedEpoch = null,
                    PrimaryEpoch = epoch,
                    FinalPoint = null,
                    Generations = WithGeneration(State.Generations, generation, _appended),
                });
                _shutting = null;
            }

            if (staged is not null)
            {
                DurableDirectory.Remove(Layer.PathOf(DirectoryPath, staged.Layer), _context.Faults);
            }
        }

        RaiseStateChanged();
    }

    /// <summary>
    /// Stops being primary because the owner at <paramref name="epoch"/> is another: shuts the gate, waits out writes in flight, flushes, takes a final point (returned). Repeating it returns the
    /// same point.
    /// </summary>
    /// <exception cref="FencedException">The epoch is lower than one seen, or is the one it is primary at.</exception>
    public PointInfo Demote(Epoch epoch)
    {
        PointInfo point;
        lock (_syncLock)
        {
            ThrowIfFailed();
            if (epoch < State.Epoch || (State.Role == VolumeRole.Primary && epoch == State.PrimaryEpoch))
            {
                throw new FencedException($"Volume {Name} is at epoch {State.Epoch}; an owner at {epoch} is not newer.", "Give the new owner's epoch.");
            }

            if (State.Role == VolumeRole.Replica)
            {
                throw new DrException($"Volume {Name} is a replica already.");
            }

            if (State.Restoring is not null)
            {
                throw new DrException($"Volume {Name} is being restored.", "Wait until the restore has ended.", isTransient: true);
            }

            ShutForWritersLocked($"the owner at epoch {epoch} is another");

            if (epoch > State.Epoch)
            {
                WriteSuperblockLocked(epoch, State.Generations[^1].Generation);
            }

            Epoch? owned = epoch > State.Epoch ? State.OwnedEpoch ?? State.Epoch : State.OwnedEpoch;
            FlushLocked();
            var final = State.Points.FirstOrDefault(p => p.Id == State.FinalPoint);
            if (final is not null && State.Role == VolumeRole.Demoted && final.Sequence.Value == _appended)
            {
                if (epoch > State.Epoch)
                {
                    CommitLocked(State with { Epoch = epoch, OwnedEpoch = owned, ForeignEpoch = epoch });
                }

                return final;
            }

            MakeRoomForPointLocked();
            point = SealLocked(
                sequence => MakePoint(sequence, Now(), "final", PointConsistency.Crash, $"taken when the volume was demoted for epoch {epoch}"),
                state => state with { Role = VolumeRole.Demoted, Epoch = epoch, OwnedEpoch = owned, ForeignEpoch = epoch, FinalPoint = state.Points[^1].Id });
        }

        RaiseStateChanged();
        PostMaintenance();
        return point;
    }

    /// <summary>Remembers the highest epoch; a primary that sees a higher one shuts its gate and becomes <see cref="VolumeRole.Demoted"/>. Durable on return.</summary>
    public void SeeEpoch(Epoch epoch) => See(epoch, isAnothers: false);

    /// <summary>The same, and that another was primary at <paramref name="epoch"/>: this copy never will be. Nothing changes for one that is primary at a higher epoch.</summary>
    public void SeeOwner(Epoch epoch) => See(epoch, isAnothers: true);

    private void See(Epoch epoch, bool isAnothers)
    {
        lock (_syncLock)
        {
            var isHigher = epoch > State.Epoch;
            var isNews = isAnothers && epoch > (State.ForeignEpoch ?? Epoch.None) && epoch > State.PrimaryEpoch;
            if (!isHigher && !isNews)
            {
                return;
            }

            if (isHigher && State.Role == VolumeRole.Primary)
            {
                ShutForWritersLocked($"a higher epoch ({epoch}) was seen than the one this copy is primary at ({State.PrimaryEpoch})");
            }

            ThrowIfFailed();
            if (isHigher)
            {
                WriteSuperblockLocked(epoch, _superblock.Current.Generation);
            }

            var foreign = isNews ? epoch : State.ForeignEpoch;
            lock (_appendLock)
            {
                CommitLocked(isHigher
                    ? State with { Epoch = epoch, OwnedEpoch = null, ForeignEpoch = foreign, Restoring = null, Role = State.Role == VolumeRole.Primary ? VolumeRole.Demoted : State.Role }
                    : State with { ForeignEpoch = foreign });
            }
        }

        RaiseStateChanged();
    }

    /// <summary>A demoted copy becomes a follower. Trailing generations in which nothing was written are dropped.</summary>
    public void BecomeReplica(Epoch epoch)
    {
        SeeOwner(epoch);
        lock (_syncLock)
        {
            ThrowIfFailed();
            if (State.Role == VolumeRole.Primary)
            {
                throw new FencedException($"Volume {Name} is primary at epoch {State.PrimaryEpoch}; only a demoted copy becomes a replica.", "Demote it first, with the new owner's epoch.");
            }

            if (State.Role == VolumeRole.Replica)
            {
                return;
            }

            CommitLocked(State with { Role = VolumeRole.Replica, OwnedEpoch = null, Generations = WithoutEmptyTail(State.Generations) });
        }

        RaiseStateChanged();
    }

    /// <summary>The generation that wrote a position: with it, a position means one content and no other.</summary>
    internal string GenerationAt(long sequence) => State.Generations.LastOrDefault(span => span.After.Value < sequence).Generation.Value;

    /// <summary>Writers check under the append lock: once the gate is shut and the lock was free, none is in flight. The next promotion opens it again.</summary>
    private void ShutForWritersLocked(string reason)
    {
        _shutting = reason;
        UpdateGate();
        lock (_appendLock)
        {
            // Taken only to wait for whoever is in it.
        }
    }

    private IReadOnlyList<GenerationSpan> WithoutEmptyTail(IReadOnlyList<GenerationSpan> spans) => [.. spans.Where(span => span.After.Value < _appended)];

    /// <summary>A point that must be taken takes the place of the oldest that nobody named.</summary>
    private void MakeRoomForPointLocked()
    {
        if (State.Points.Count < Format.StoreLimits.MaxPoints)
        {
            return;
        }

        var victim = PointsThatGiveWayLocked(must: true);
        CommitLocked(State with { Points = [.. State.Points.Where(p => !victim.Contains(p.Id))] });
    }

    private void WriteSuperblockLocked(Epoch epoch, Generation generation)
    {
        try
        {
            _superblock.Write(_superblock.Current with { Sequence = _superblock.Current.Sequence + 1, Epoch = epoch, Generation = generation });
        }
        catch (DiskException exception)
        {
            Fail(exception.IsFull ? "the disk is full: its superblock could not be written" : $"its superblock could not be written: {exception.Message}");
            throw;
        }
    }
}
