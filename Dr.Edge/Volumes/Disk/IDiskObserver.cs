namespace Dr.Edge.Volumes.Disk;

/// <summary>
/// Is told of everything the store does to its files, after it was done and in this order: what a power cut may leave is worked out from it. Only tests have one
/// (<see cref="StoreFaults.Observer"/>). Called on the thread that made the call, sometimes under the volume's locks.
/// </summary>
internal interface IDiskObserver
{
    /// <param name="isNew">The file was made or emptied by opening it.</param>
    void Opened(DurableFile file, bool isNew);

    void Wrote(DurableFile file, ReadOnlySpan<byte> data, long offset);

    void Cut(DurableFile file, long length);

    /// <summary>The range reads as zeros from now on; the file keeps its length.</summary>
    void Punched(DurableFile file, long offset, long length);

    /// <summary>The file's data and length are on stable storage.</summary>
    void Synced(DurableFile file);

    void DirectoryMade(string path);

    /// <summary>A file or a directory with all that is in it.</summary>
    void Renamed(string from, string to);

    /// <summary>A file or a directory with all that is in it.</summary>
    void Removed(string path);

    /// <summary>The directory's own entries are on stable storage.</summary>
    void DirectorySynced(string path);
}
