using Dr.Edge.Volumes.Disk;

namespace Dr.Edge.Volumes;

/// <content>The manifest's own upkeep, in the background, so that a point waits for one small flush and no more.</content>
internal sealed partial class Volume
{
    /// <summary>Replaces a manifest that has become long, or writes room behind its end. The sync lock is held for neither flush of data; the merge lock is, so that closing the volume waits.</summary>
    private void PrepareManifest()
    {
        lock (_mergeLock)
        {
            bool isLong;
            lock (_syncLock)
            {
                isLong = _manifest.IsLong;
                if (_closed || Fault is not null || !(isLong || (_manifest.WantsRoom && !_context.Space.IsShort)))
                {
                    return;
                }
            }

            if (isLong)
            {
                ReplaceManifest();
            }
            else
            {
                WriteManifestRoom();
            }
        }
    }

    private void ReplaceManifest()
    {
        ManifestFile.Replacement next;
        lock (_syncLock)
        {
            next = _manifest.BeginReplacement();
        }

        var isWritten = false;
        try
        {
            next.Write();
            StoreFaults.Pass(CrashPoints.ManifestReplacementWritten);
            isWritten = true;
        }
        catch (DiskException exception) when (exception.IsFull)
        {
            // The old one goes on in the room it has.
        }
        catch (DiskException exception)
        {
            Fail($"its manifest could not be replaced: {exception.Message}");
            throw;
        }
        finally
        {
            EndReplacement(next, isWritten);
        }
    }

    private void EndReplacement(ManifestFile.Replacement next, bool isWritten)
    {
        lock (_syncLock)
        {
            try
            {
                _manifest.EndReplacement(next, isWritten && Fault is null);
            }
            catch (DiskException exception) when (!exception.IsFull)
            {
                Fail($"its manifest could not be replaced: {exception.Message}");
                throw;
            }
        }
    }

    private void WriteManifestRoom()
    {
        DurableFile? file;
        lock (_syncLock)
        {
            file = _manifest.BeginRoom();
        }

        if (file is null)
        {
            return;
        }

        var errno = file.TrySyncData();
        StoreFaults.Pass(CrashPoints.ManifestRoomWritten);
        lock (_syncLock)
        {
            _manifest.EndRoom();
            if (errno != 0)
            {
                Fail($"{file.Path} could not be flushed: {Posix.Describe(errno)}");
            }
        }
    }
}
