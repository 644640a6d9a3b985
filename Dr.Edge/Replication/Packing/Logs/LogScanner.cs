using System.Buffers.Binary;

namespace Dr.Edge.Replication.Packing.Logs;

/// <summary>
/// Reads records of a database's log out of units, page by page, as long as everything that can be known from what was before is as expected. One run at a time; pure.
/// </summary>
internal ref struct LogScanner
{
    private readonly ReadOnlySpan<byte> _units;
    private readonly byte[] _record;
    private LogPage _page;
    private int _pageEnd;
    private ulong? _previous;

    private LogScanner(ReadOnlySpan<byte> units, LogPage page, int offset, byte[] record)
    {
        _units = units;
        _page = page;
        _record = record;
        _pageEnd = offset + LogPage.Bytes;
        At = offset + page.HeadBytes + (int)page.LeadBytes;
    }

    /// <summary>Where the last record that was read ends with its padding, and before the first where that starts: an offset in the units.</summary>
    public int At { get; private set; }

    /// <summary>Its position in the log; needed to know the next one's field of that name.</summary>
    private readonly ulong Position => _page.Address + (ulong)(At - _pageEnd + LogPage.Bytes);

    /// <summary>A scanner when there is a page at <paramref name="offset"/> in which a record starts.</summary>
    /// <param name="record">As long as the units: where records are put together.</param>
    public static bool TryStart(ReadOnlySpan<byte> units, int offset, byte[] record, out LogScanner scanner)
    {
        if (LogPage.TryRead(units[offset..], out var page) && units.Length - offset >= LogPage.Bytes && page.HeadBytes + page.LeadBytes < LogPage.Bytes)
        {
            scanner = new LogScanner(units, page, offset, record);
            return true;
        }

        scanner = default;
        return false;
    }

    /// <summary>The next record; false where there is none, or none that is as expected.</summary>
    public bool TryRead(out ReadOnlySpan<byte> record)
    {
        // Only a record that was read whole moves on what the scanner stands on.
        record = default;
        var ahead = this;
        if (!ahead.TryTake(out var length))
        {
            return false;
        }

        this = ahead;
        record = _record.AsSpan(0, length);
        return true;
    }

    private bool TryTake(out int length)
    {
        length = 0;
        if (At == _pageEnd && !TryTurn(0))
        {
            return false;
        }

        var position = Position;
        var bytes = BinaryPrimitives.ReadUInt32LittleEndian(_units[At..]);
        if (bytes < LogRecord.HeadBytes || bytes > _units.Length - At)
        {
            return false;
        }

        for (length = 0; length < bytes;)
        {
            if (At == _pageEnd && !TryTurn((int)bytes - length))
            {
                return false;
            }

            var part = Math.Min((int)bytes - length, _pageEnd - At);
            _units.Slice(At, part).CopyTo(_record.AsSpan(length));
            At += part;
            length += part;
        }

        var padding = -At & (LogPage.Alignment - 1);
        if (!LogRecord.IsAsExpected(_record.AsSpan(0, length), _previous) || _units.Slice(At, padding).ContainsAnyExcept((byte)0))
        {
            return false;
        }

        At += padding;
        _previous = position;
        return true;
    }

    // To the page after this one, whose head has to be what it must be.
    private bool TryTurn(int remaining)
    {
        Span<byte> head = stackalloc byte[LogPage.ShortHeadBytes];
        _page = _page.Next(remaining);
        _page.Write(head);
        if (_units.Length - _pageEnd < LogPage.Bytes || !_units.Slice(_pageEnd, head.Length).SequenceEqual(head))
        {
            return false;
        }

        At = _pageEnd + head.Length;
        _pageEnd += LogPage.Bytes;
        return true;
    }
}
