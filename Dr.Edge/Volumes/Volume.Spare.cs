using Dr.Edge.Volumes.Disk;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Volumes;

/// <content>
/// The file of the next head, made ahead in the background: a new name costs a commit of the file system's journal, which is most of what a point waits for. Whoever takes a number for something else takes
/// the spare's, and the spare goes, so that a head never has a lower number than a layer that was recorded before it.
/// </content>
internal sealed partial class Volume
{
    // While a spare is made, which takes two flushes; before the merge lock.
    private readonly Lock _spareLock = new();

    // Under the sync lock. It has the number _nextLayer, which counts as free.
    private NextHead? _spare;

    // Under the sync lock. Most clones live without ever having a point: they get a spare after their first.
    private bool _takesPoints;
    private int _sparePosted;

    /// <summary>Has a spare made in the background, one request at a time; without a pace here and now, so that the same calls come in the same order every time.</summary>
    private void PostSpare()
    {
        if (!_context.IsPaced)
        {
            TryMakeSpare();
        }
        else if (Interlocked.Exchange(ref _sparePosted, 1) == 0)
        {
            _context.Preparing.Post(() =>
            {
                Volatile.Write(ref _sparePosted, 0);
                MakeSpare();
            });
        }
    }

    /// <summary>Nobody asked for it: that it could not be made is told by the volume when it has stopped for that, and by the point otherwise.</summary>
    private void TryMakeSpare()
    {
        try
        {
            MakeSpare();
        }
        catch (DrException exception)
        {
            LogSpareMissing(Name, exception);
        }
    }

    /// <summary>Makes the file that the next point will take, unless there is one or it is of no use now.</summary>
    internal void MakeSpare()
    {
        lock (_spareLock)
        {
            long number;
            lock (_syncLock)
            {
                if (!WantsSpareLocked())
                {
                    return;
                }

                number = TakeLayerNumberLocked();
            }

            NextHead made;
            try
            {
                made = OpenNextHead(number);
            }
            catch (DiskException exception) when (exception.IsFull)
            {
                // The point will say so, if the disk is still full then.
                DurableDirectory.Remove(Layer.PathOf(DirectoryPath, number), _context.Faults);
                lock (_syncLock)
                {
                    GiveBackNumberLocked(number);
                }

                return;
            }

            StoreFaults.Pass(CrashPoints.PointSpareMade);
            lock (_syncLock)
            {
                if (!IsOutrunLocked(made) && WantsSpareLocked() && GiveBackNumberLocked(number))
                {
                    _spare = made;
                    return;
                }
            }

            DropIfUnused(made);
        }
    }

    /// <summary>False when others have taken higher ones meanwhile.</summary>
    private bool GiveBackNumberLocked(long number)
    {
        var isLast = _nextLayer == number + 1;
        _nextLayer -= isLast ? 1 : 0;
        return isLast;
    }

    private bool WantsSpareLocked() =>
        _spare is null && !_closed && Fault is null && State.Role == VolumeRole.Primary && (Origin is null || _takesPoints) && !_context.Space.IsShort;

    private NextHead? TakeSpareLocked()
    {
        if (_spare is not { } spare)
        {
            return null;
        }

        _spare = null;
        _nextLayer = spare.Number + 1;
        return spare;
    }

    private void DropSpareLocked()
    {
        if (_spare is not { } spare)
        {
            return;
        }

        _spare = null;
        try
        {
            DropIfUnused(spare);
        }
        catch (Exception exception) when (exception is DiskException or IOException or UnauthorizedAccessException)
        {
            // An empty file that the next start removes.
            LogSpareLeft(Name, exception);
        }
    }
}
