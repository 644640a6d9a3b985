using Dr.Contracts.Mqtt;
using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Space;

namespace Dr.Edge.Volumes;

/// <content>What happens when the disk is full.</content>
internal sealed partial class Volume
{
    private volatile string? _waitingForSpace;

    /// <summary>Writes are refused (or wait for history to give way) until there is space outside the reserve. Not under a lock: it may block.</summary>
    private void AdmitWrite(long bytes)
    {
        if (!_context.Space.TryAdmit(bytes))
        {
            AdmitWhenFull(bytes);
        }
    }

    private void AdmitWhenFull(long bytes)
    {
        var started = _context.Time.GetTimestamp();
        do
        {
            if (_context.Space.TryAdmit(bytes))
            {
                return;
            }
        }
        while (_context.Space.GivesWay is { } history && _context.Time.GetElapsedTime(started) < GiveWay.LongestStall && history.WaitForSpace(this));

        Counters.Refused.Add(bytes);
        throw new BlockDeviceException(BlockError.NoSpace, $"The disk of volume {Name} is full; the write was refused.");
    }

    /// <summary>A volume that was opened on a full disk opens for writing once there is space; nothing to do otherwise.</summary>
    internal void RetryWhenFull()
    {
        if (_waitingForSpace is not null && !_closed)
        {
            Reopen();
            RaiseStateChanged();
        }
    }

    /// <summary>What files that belong to the volume's work are opened with.</summary>
    internal StoreFaults Faults => _context.Faults;

    /// <summary>What happens when the disk is full.</summary>
    internal FullPolicy WhenFull => Policy.WhenFull;

    /// <summary>How much space its disk has left, as it was announced last.</summary>
    internal SpaceLevel SpaceLevel => _context.Space.Level;

    /// <summary>History gives way now, whatever window it was kept for.</summary>
    private bool GivesWayNow => WhenFull == FullPolicy.HistoryGivesWay && _context.Space.IsShort;

    /// <summary>
    /// Points that can make space by going: neither held by hand nor needed by a view, a clone or a copy, and before everything that is; what is held keeps all that follows, so nothing would come of
    /// deleting that.
    /// </summary>
    internal IReadOnlyList<PointInfo> PointsThatMayGo()
    {
        lock (_syncLock)
        {
            var free = RetentionPointsLocked().Where(point => !point.IsProtected).Select(point => point.Id).ToHashSet();
            var kept = Holders.Count > 0 ? Holders[0].Sequence.Value : long.MaxValue;
            return [.. State.Points.Where(point => point.Sequence.Value < kept && free.Contains(point.Id))];
        }
    }

    /// <summary>
    /// Ends the head without a point, so that what it holds can move into the base. Only for volumes whose history gives way and which have no points left that may go; false when there is nothing to
    /// gain: a hold needs what lies before, or the head is shorter than <paramref name="leastBytes"/>.
    /// </summary>
    internal bool SealForSpace(long leastBytes)
    {
        lock (_syncLock)
        {
            ThrowIfFailed();
            if (!GivesWayNow || _closed || Origin is not null || State.Restoring is not null || _head.Tail < leastBytes || _holds.Any(hold => hold.Sequence < _appended)
                || _published.Layers.Length > 1 || State.Points.Any(point => point.Sequence.Value < _appended))
            {
                return false;
            }

            SealHeadLocked((state, _) => state);
        }

        RaiseStateChanged();
        return true;
    }

    /// <summary>Under the sync lock: what follows needs a manifest record that must not meet a full disk.</summary>
    private void RequireRoomLocked(bool isPoint)
    {
        var line = WhenFull == FullPolicy.HistoryGivesWay ? _context.Space.Limits.ReserveBytes : _context.Space.Limits.PointsStopBytes;
        if (isPoint && _context.Space.Use.AvailableBytes < line && _context.Space.Refresh().AvailableBytes < line)
        {
            throw new DrException(
                $"The disk of volume {Name} is full: no point can be taken.", DiskException.NoSpaceHint, isTransient: true);
        }

        var errno = _manifest.TryMakeRoom();
        if (Posix.IsFull(errno))
        {
            throw new DiskException(Path.Combine(DirectoryPath, ManifestName), "made longer", errno);
        }
    }
}
