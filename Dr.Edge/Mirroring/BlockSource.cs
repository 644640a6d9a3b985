using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Dr.Edge.Mirroring;

/// <summary>A block device or an image file that others write to while it is read.</summary>
internal sealed partial class BlockSource : IDisposable
{
    /// <summary>Two writes in one tick of the kernel's clock leave one time: a file that was changed this recently may change again and not show it.</summary>
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(100);

    private readonly SafeFileHandle _handle;
    private readonly bool _isDevice;
    private readonly string _path;
    private readonly TimeProvider _time;

    /// <exception cref="DrException">It cannot be read.</exception>
    public BlockSource(string path, TimeProvider time)
    {
        _path = new FileInfo(path).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? Path.GetFullPath(path);
        _time = time;
        try
        {
            _handle = File.OpenHandle(_path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            _isDevice = _path.StartsWith("/dev/", StringComparison.Ordinal);
            SizeBytes = _isDevice ? Seek(_handle, 0, 2) : RandomAccess.GetLength(_handle);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DrException($"{path} cannot be read: {exception.Message}", "It has to be a block device, an image file or a directory, and the agent needs the right to read it.", exception);
        }

        if (SizeBytes <= 0)
        {
            throw new DrException($"{path} is empty.", "There is nothing to mirror.");
        }
    }

    public long SizeBytes { get; }

    public int Read(Span<byte> buffer, long offset)
    {
        var done = 0;
        while (done < buffer.Length)
        {
            var read = RandomAccess.Read(_handle, buffer[done..], offset + done);
            if (read == 0)
            {
                throw new DrException($"{_path} became shorter while it was read.", "A mirror follows contents, not sizes: make a new volume of the new size.");
            }

            done += read;
        }

        return done;
    }

    /// <summary>
    /// Something that is different after every write: of a device, how many writes its driver has counted; of a file, its time of change and size. What others have written and the kernel still holds is written out first, so
    /// that it counts. Null = it cannot be told.
    /// </summary>
    public string? Mark()
    {
        if (Sync(_handle) != 0)
        {
            return null;
        }

        if (!_isDevice)
        {
            var at = File.GetLastWriteTimeUtc(_path);
            return _time.GetUtcNow().UtcDateTime - at > Tick ? $"file {at.Ticks} {RandomAccess.GetLength(_handle)}" : null;
        }

        // reads, merged, sectors, ms, writes, merged, sectors written, ms, …, discards, merged, sectors discarded
        const int writes = 4, sectorsWritten = 6, discards = 11, sectorsDiscarded = 13;
        var name = Path.GetFileName(_path);
        var file = new[] { $"/sys/class/block/{name}/stat" }.FirstOrDefault(File.Exists);
        var fields = file is null ? [] : File.ReadAllText(file).Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return fields.Length > sectorsWritten
            ? $"device {File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim()} {fields[writes]} {fields[sectorsWritten]} {fields.ElementAtOrDefault(discards)} {fields.ElementAtOrDefault(sectorsDiscarded)}"
            : null;
    }

    public void Dispose() => _handle.Dispose();

    [LibraryImport("libc", EntryPoint = "lseek", SetLastError = true)]
    private static partial long Seek(SafeFileHandle file, long offset, int from);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Sync(SafeFileHandle file);
}
