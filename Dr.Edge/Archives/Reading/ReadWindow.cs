using Dr.Edge.Archives.Format;
using Dr.Edge.Volumes.Disk;

namespace Dr.Edge.Archives.Reading;

/// <summary>A piece of an input in memory, moved forward as it is read. What the medium does not give reads as zeros, which no checksum takes for content, and is remembered.</summary>
internal sealed class ReadWindow(IArchiveInput input)
{
    /// <summary>Twice the largest record, so that a record is hardly ever read twice.</summary>
    private const int WindowBytes = 2 * (RecordHeader.SizeBytes + ArchiveLimits.MaxContentBytes);

    private readonly byte[] _buffer = new byte[(int)Math.Min(WindowBytes, input.Length)];
    private long _start;
    private int _length;

    /// <summary>The last place that could not be read, and why.</summary>
    public (long Offset, int Errno)? Unreadable { get; private set; }

    public long Length => input.Length;

    /// <summary>Bytes from <paramref name="offset"/> on; fewer only at the end of the input. Valid until the next call.</summary>
    public ReadOnlySpan<byte> Get(long offset, int length)
    {
        length = (int)Math.Clamp(input.Length - offset, 0, length);
        if (offset < _start || offset + length > _start + _length)
        {
            Fill(offset);
        }

        return _buffer.AsSpan((int)(offset - _start), Math.Min(length, (int)(_start + _length - offset)));
    }

    private void Fill(long offset)
    {
        _start = offset;
        _length = (int)Math.Min(WindowBytes, input.Length - offset);
        var read = input.Read(_buffer.AsSpan(0, _length), offset);
        if (read == _length)
        {
            return;
        }

        // Piece by piece: a bad place costs its page, not the window.
        for (var done = 0; done < _length; done += ArchiveLimits.PageBytes)
        {
            var page = _buffer.AsSpan(done, Math.Min(ArchiveLimits.PageBytes, _length - done));
            read = input.Read(page, offset + done);
            if (read != page.Length)
            {
                page[Math.Max(read, 0)..].Clear();
                Unreadable = (offset + done, read < 0 ? -read : Posix.EIO);
            }
        }
    }
}
