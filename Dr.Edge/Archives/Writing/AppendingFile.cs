using Dr.Edge.Volumes.Disk;

namespace Dr.Edge.Archives.Writing;

/// <summary>A file written from a place to its end. The disk begins early, so that the flush at the end of a part does not have all of it to do.</summary>
internal sealed class AppendingFile : IArchiveOutput, IDisposable
{
    private const long StartWritingBytes = 8L * 1024 * 1024;
    private readonly DurableFile _file;
    private long _started;

    public AppendingFile(string path, FileMode mode, long length, StoreFaults faults)
    {
        _file = DurableFile.Open(path, mode, faults);
        _file.Truncate(length);
        Length = _started = length;
    }

    public long Length { get; private set; }

    public void Append(ReadOnlySpan<byte> data)
    {
        _file.Write(data, Length);
        Length += data.Length;
        if (Length - _started >= StartWritingBytes)
        {
            Posix.StartWriting(_file.Handle, _started, Length - _started);
            _started = Length;
        }
    }

    public void Sync() => _file.SyncData();

    public void Dispose() => _file.Dispose();
}
