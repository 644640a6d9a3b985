using Microsoft.Win32.SafeHandles;

namespace Dr.Edge.Volumes.Disk;

/// <summary>An open file of the store whose errors carry its path and whose flush is believed only when the system call says so.</summary>
internal sealed class DurableFile : IDisposable
{
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
            return new DurableFile(path, File.OpenHandle(path, mode, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete), faults);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DrException($"{path} cannot be opened: {exception.Message}", "Check the disk, its free space and the owner of the data directory.", exception);
        }
    }

    /// <summary>0 or the error; nothing is retried.</summary>
    public int TryWrite(ReadOnlySpan<byte> data, long offset) =>
        _faults.ErrorFor(DiskCall.Write, Path) is var injected && injected != 0 ? injected : Posix.WriteAll(Handle, data, offset);

    /// <summary>0 or the error. After an error nobody knows what is on the disk: the caller must stop, not retry.</summary>
    public int TrySyncData() => _faults.ErrorFor(DiskCall.Sync, Path) is var injected && injected != 0 ? injected : Posix.SyncData(Handle);

    /// <summary>Bytes read (fewer at the end of the file), or minus the error.</summary>
    public int Read(Span<byte> destination, long offset) =>
        _faults.ErrorFor(DiskCall.Read, Path) is var injected && injected != 0 ? -injected : Posix.Read(Handle, destination, offset);

    public void Write(ReadOnlySpan<byte> data, long offset) => Require(TryWrite(data, offset), "written");

    public void SyncData() => Require(TrySyncData(), "flushed");

    public void Truncate(long length) => Require(Posix.Truncate(Handle, length), "cut");

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
        var temporary = path + ".new";
        using (var file = Open(temporary, FileMode.Create, faults))
        {
            file.Write(content, 0);
            file.SyncData();
        }

        File.Move(temporary, path, overwrite: true);
        SyncDirectory(System.IO.Path.GetDirectoryName(path)!, faults);
    }

    public static void SyncDirectory(string path, StoreFaults faults)
    {
        var errno = faults.ErrorFor(DiskCall.Sync, path) is var injected && injected != 0 ? injected : Posix.SyncDirectory(path);
        if (errno != 0)
        {
            throw new DiskException(path, "flushed", errno);
        }
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
