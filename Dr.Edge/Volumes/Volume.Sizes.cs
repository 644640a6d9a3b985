using Dr.Edge.Volumes.Format;

namespace Dr.Edge.Volumes;

/// <content>A volume can grow while it is in use. Every position keeps the size it had: views, clones and digests of the past are as large as the volume was then.</content>
internal sealed partial class Volume
{
    /// <summary>Oldest first; grows by one with each resize, see <see cref="StoreLimits.MaxResizes"/>.</summary>
    public IReadOnlyList<FormerSize> FormerSizes => State.FormerSizes;

    /// <summary>The size and what it was before, of one instant.</summary>
    public (long SizeBytes, IReadOnlyList<FormerSize> Former) Sizes
    {
        get
        {
            var state = State;
            return (state.SizeBytes, state.FormerSizes);
        }
    }

    /// <summary>The size at a point.</summary>
    public long SizeAt(PointInfo point)
    {
        var state = State;
        return state.FormerSizes.FirstOrDefault(size => size.HeldAt(point.Sequence, point.Id))?.SizeBytes ?? state.SizeBytes;
    }

    /// <summary>Makes the volume larger while it is in use; clients see the new size when they attach again. Durable on return.</summary>
    /// <exception cref="DrException">It would shrink, it is no size a volume can have, or the volume is not primary here.</exception>
    public void Resize(long sizeBytes)
    {
        lock (_syncLock)
        {
            ThrowIfFailed();
            CheckNewSizeLocked(sizeBytes);
            if (sizeBytes == State.SizeBytes)
            {
                return;
            }

            // What lies before the change of size must not be taken away by a crash, or later writes would count as written before it.
            FlushLocked();
            lock (_appendLock)
            {
                FlushLocked();
                var at = Now();
                var former = new FormerSize(
                    State.SizeBytes,
                    new SequenceNumber(_appended),
                    State.Points.Count > 0 ? State.Points[^1].Id : default,
                    new DateTimeOffset(at.Ticks - (at.Ticks % TimeSpan.TicksPerMicrosecond), TimeSpan.Zero));
                _map.Grow(sizeBytes / StoreLimits.BlockBytes);
                CommitLocked(State with { SizeBytes = sizeBytes, FormerSizes = [.. State.FormerSizes, former] });
            }
        }

        RaiseStateChanged();
    }

    /// <summary>For a copy: the sizes of the volume it follows. It may only become smaller where nothing was ever written.</summary>
    /// <exception cref="DrException">There is content behind the smaller size.</exception>
    public void FollowSizes(long sizeBytes, IReadOnlyList<FormerSize> former)
    {
        lock (_syncLock)
        {
            ThrowIfFailed();
            if (State.SizeBytes == sizeBytes && State.FormerSizes.SequenceEqual(former))
            {
                return;
            }

            RequireReplica();
            var blocks = sizeBytes / StoreLimits.BlockBytes;
            lock (_appendLock)
            {
                if (blocks < VolumeBlocks && _map.Find(blocks, VolumeBlocks, content: true) < VolumeBlocks)
                {
                    throw new DrException($"The copy of {Name} here has {State.SizeBytes} bytes, not {sizeBytes}, and content behind that.", "Look at both with 'dr-edge volume show'; the one that is to be given up can be deleted.");
                }

                _map.Grow(blocks);
                CommitLocked(State with { SizeBytes = sizeBytes, FormerSizes = [.. former] });
            }
        }

        RaiseStateChanged();
    }

    private long SizeAt(long sequence, DateTimeOffset at)
    {
        var state = State;
        return state.FormerSizes.FirstOrDefault(size => size.HeldAt(new SequenceNumber(sequence), at))?.SizeBytes ?? state.SizeBytes;
    }

    private void CheckNewSizeLocked(long sizeBytes)
    {
        if (State.Role != VolumeRole.Primary)
        {
            throw new DrException($"Volume {Name} is not primary here: its size comes from the copy that is.", "Resize it where it is primary; this copy follows.");
        }

        if (sizeBytes < State.SizeBytes)
        {
            throw new DrException(
                $"Volume {Name} has {State.SizeBytes} bytes ({Quantities.FormatSize(State.SizeBytes)}); it cannot shrink to {sizeBytes} ({Quantities.FormatSize(sizeBytes)}).", "Make a new, smaller volume and copy the files.");
        }

        StoreLimits.CheckVolumeSize(sizeBytes);
        if (State.FormerSizes.Count >= StoreLimits.MaxResizes && sizeBytes > State.SizeBytes)
        {
            throw new DrException($"Volume {Name} was made larger {StoreLimits.MaxResizes} times already.", "Export it and import it into a new volume of the size you need.");
        }
    }
}
