namespace Dr.Edge.Volumes.Disk;

/// <summary>Changes of names in the store's directories. None is sure before <see cref="Sync"/> of the directory that holds the name.</summary>
internal static class DurableDirectory
{
    /// <summary>Makes the directory; one that is there already stays.</summary>
    /// <exception cref="DiskException">It could not be made.</exception>
    public static void Make(string path, StoreFaults faults)
    {
        if (Directory.Exists(path))
        {
            return;
        }

        Require(faults.ErrorFor(DiskCall.Make, path), path, "made");
        Directory.CreateDirectory(path);
        faults.Observer?.DirectoryMade(path);
    }

    /// <summary>Gives a file or directory another name; a file that has it already is replaced.</summary>
    public static void Rename(string from, string to, StoreFaults faults)
    {
        Require(faults.ErrorFor(DiskCall.Rename, to), to, "renamed");
        if (Directory.Exists(from))
        {
            Directory.Move(from, to);
        }
        else
        {
            File.Move(from, to, overwrite: true);
        }

        faults.Observer?.Renamed(from, to);
    }

    /// <summary>Takes a file away, or a directory with all that is in it; nothing to do when it is gone.</summary>
    public static void Remove(string path, StoreFaults faults)
    {
        Require(faults.ErrorFor(DiskCall.Remove, path), path, "removed");
        if (Directory.Exists(path))
        {
            Directory.Delete(path, recursive: true);
        }
        else
        {
            File.Delete(path);
        }

        faults.Observer?.Removed(path);
    }

    /// <exception cref="DiskException">It could not be flushed; nobody knows now which names are on the disk.</exception>
    public static void Sync(string path, StoreFaults faults)
    {
        var injected = faults.ErrorFor(DiskCall.Sync, path);
        Require(injected > 0 ? injected : injected == StoreFaults.Pretend ? 0 : Posix.SyncDirectory(path), path, "flushed");
        faults.Observer?.DirectorySynced(path);
    }

    private static void Require(int errno, string path, string verb)
    {
        if (errno > 0)
        {
            throw new DiskException(path, verb, errno);
        }
    }
}
