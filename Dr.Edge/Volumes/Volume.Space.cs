using Dr.Edge.Volumes.Disk;

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
        do
        {
            if (_context.Space.TryAdmit(bytes))
            {
                return;
            }
        }
        while (_context.Space.GivesWay is { } history && history.WaitForSpace(this));

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

    /// <summary>Under the sync lock: what follows needs a manifest record that must not meet a full disk.</summary>
    private void RequireRoomLocked(bool isPoint)
    {
        if (isPoint && _context.Space.PointsStop && _context.Space.Refresh().AvailableBytes < _context.Space.Limits.PointsStopBytes)
        {
            throw new DrException(
                $"The disk of volume {Name} is full: no point can be taken.", "Free space on this disk, or delete old points.", isTransient: true);
        }

        var errno = _manifest.TryMakeRoom();
        if (Posix.IsFull(errno))
        {
            throw new DiskException(Path.Combine(DirectoryPath, ManifestName), "made longer", errno);
        }
    }
}
