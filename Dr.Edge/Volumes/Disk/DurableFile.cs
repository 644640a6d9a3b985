using Dr.Edge.Volumes.Writing;
using Microsoft.Win32.SafeHandles;

namespace Dr.Edge.Volumes.Disk;

/// <summary>An open file of the store whose errors carry its path and whose flush is believed only when the system call says so.</summary>
internal sealed class DurableFile : IDisposable
{
    /// <summary>What <see cref="Replace"/> writes first has this behind its name.</summary>
    public const string NewSuffix = ".new";

    private readonly StoreFaults _faults;

    private DurableFile(string path, SafeFileHandle handle, StoreFaults faults)
    {
        Path = path;
        Handle = handle;
        _faults = faults;
    }

    public string Path { get; }

    public SafeFileHandle Handle { get; }

    public long Length => RandomAccess.GetLength(Handle);

    public static DurableFile Open(string path, FileMode mode, StoreFaults faults)
    {
        try
        {
            if (mode is not FileMode.Open && faults.ErrorFor(DiskCall.Make, path) is var injected && injected > 0)
            {
                throw new DiskException(path, "made", injected);
            }

            var file = new DurableFile(path, File.OpenHandle(path, mode, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete), faults);
            faults.Observer?.Opened(file, isNew: mode is FileMode.Create or FileMode.CreateNew);
            return file;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DrException($"{path} cannot be opened: {exception.Message}", "Check the disk, its free space and the owner of the data directory.", exception);
        }
    }

    /// <summary>0 or the error; nothing is retried.</summary>
    public int TryWrite(ReadOnlySpan<byte> data, long offset)
    {
        if (_faults.ErrorFor(DiskCall.Write, Path) is var injected && injected > 0)
        {
            // As much of it as a disk that fills up takes.
            data = data[.._faults.BytesBeforeError(data.Length)];
        }

        var errno = Posix.WriteAll(Handle, data, offset);
        _faults.Observer?.Wrote(this, data, offset);
        return injected > 0 ? injected : errno;
    }

    /// <summary>Writes <paramref name="head"/> and then every piece behind it, as <see cref="TryWrite"/> would all of it at once.</summary>
    public int TryWriteGathered(ReadOnlySpan<byte> head, GatherList pieces, long offset)
    {
        if (_faults == StoreFaults.None)
        {
            return Posix.WriteAll(Handle, head, pieces, offset);
        }

        // Whoever makes calls fail or records them knows only whole pieces.
        var errno = TryWrite(head, offset);
        offset += head.Length;
        foreach (var piece in pieces.Pieces)
        {
            if (errno != 0)
            {
                break;
            }

            errno = TryWrite(piece.Span, offset);
            offset += piece.Length;
        }

        return errno;
    }

    /// <summary>0 or the error. After an error nobody knows what is on the disk: the caller must stop, not retry.</summary>
    public int TrySyncData()
    {
        var injected = _faults.ErrorFor(DiskCall.Sync, Path);
        if (injected > 0)
        {
            return injected;
        }

        var errno = injected == StoreFaults.Pretend ? 0 : Posix.SyncData(Handle);
        if (errno == 0)
        {
            _faults.Observer?.Synced(this);
        }

        return errno;
    }

    /// <summary>0 or the error.</summary>
    public int TryTruncate(long length)
    {
        if (_faults.ErrorFor(DiskCall.Truncate, Path) is var injected && injected > 0)
        {
            return injected;
        }

        var errno = Posix.Truncate(Handle, length);
        if (errno == 0)
        {
            _faults.Observer?.Cut(this, length);
        }

        return errno;
    }

    /// <summary>
    /// Takes disk space for a range without changing what the file says or how long it is. 0 or the error; a file system that cannot do it answers 0. No observer is told: nothing that can be read changes.
    /// </summary>
    public int TryAllocate(long offset, long length) =>
        _faults.ErrorFor(DiskCall.Allocate, Path) is var injected && injected > 0 ? injected : Posix.Allocate(Handle, offset, length);

    /// <summary>Gives the space of a range back; it reads as zeros then. False when the file system cannot.</summary>
    public bool TryPunchHole(long offset, long length)
    {
        if (!Posix.TryPunchHole(Handle, offset, length))
        {
            return false;
        }

        _faults.Observer?.Punched(this, offset, length);
        return true;
    }

    /// <summary>Has the kernel begin to read a range, without waiting.</summary>
    public void Prefetch(long offset, long length) => Posix.WillNeed(Handle, offset, length);

    /// <summary>Bytes read (fewer at the end of the file), or minus the error.</summary>
    public int Read(Span<byte> destination, long offset) =>
        _faults.ErrorFor(DiskCall.Read, Path) is var injected && injected != 0 ? -injected : Posix.Read(Handle, destination, offset);

    public void Write(ReadOnlySpan<byte> data, long offset) => Require(TryWrite(data, offset), "written");

    public void SyncData() => Require(TrySyncData(), "flushed");

    public void Truncate(long length) => Require(TryTruncate(length), "cut");

    public void ReadExactly(Span<byte> destination, long offset)
    {
        var read = Read(destination, offset);
        if (read < 0)
        {
            Require(-read, "read");
        }

        if (read != destination.Length)
        {
            throw new CorruptDataException(Path, offset + read, $"{destination.Length - read} more bytes", "the end of the file");
        }
    }

    /// <summary>The way a small file is replaced: temporary file, flush, rename, flush of the directory. After a crash the old or the new content is there, whole.</summary>
    public static void Replace(string path, ReadOnlySpan<byte> content, StoreFaults faults)
    {
        var temporary = path + NewSuffix;
        using (var file = Open(temporary, FileMode.Create, faults))
        {
            file.Write(content, 0);
            file.SyncData();
        }

        DurableDirectory.Rename(temporary, path, faults);
        DurableDirectory.Sync(System.IO.Path.GetDirectoryName(path)!, faults);
    }

    public void Dispose() => Handle.Dispose();

    private void Require(int errno, string verb)
    {
        if (errno != 0)
        {
            throw new DiskException(Path, verb, errno);
        }
    }
}
