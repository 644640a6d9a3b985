using System.Buffers.Binary;
using Dr.Contracts.Wire;

namespace Dr.Edge.Replication.Packing.Logs;

/// <summary>Makes units again of what <see cref="LogArranger"/> has made of them. Pure; one owner.</summary>
internal sealed class LogRestorer
{
    private readonly List<LogRun> _runs = [];
    private readonly LogShape[] _shapes = new LogShape[ArrangedLog.MaxShapes + 1];
    private readonly int[] _counts = new int[ArrangedLog.MaxShapes + 1];
    private readonly int[] _next = new int[ArrangedLog.MaxShapes + 1];
    private byte[] _record = [];
    private uint _transaction;

    /// <summary>Fills <paramref name="units"/>.</summary>
    /// <exception cref="WireFormatException">It is nothing that stands for so many bytes.</exception>
    public void Restore(ReadOnlySpan<byte> arranged, Span<byte> units)
    {
        if (_record.Length < units.Length)
        {
            _record = new byte[units.Length];
        }

        _transaction = 0;
        var reader = new WireReader(arranged);
        var shapes = ReadHead(ref reader, units.Length, out var count);
        var records = reader.Bytes(count);
        var columns = reader.Bytes(Columns(records, shapes));
        var at = 0;
        foreach (var run in _runs)
        {
            reader.Bytes(run.Offset - at).CopyTo(units[at..]);
            RestoreRun(run, ref reader, records[..run.Records], columns, units);
            records = records[run.Records..];
            at = run.End;
        }

        reader.Bytes(units.Length - at).CopyTo(units[at..]);
        reader.End();
    }

    // Runs and shapes; returns how many shapes there are.
    private int ReadHead(ref WireReader reader, int length, out int records)
    {
        _runs.Clear();
        records = 0;
        var runs = reader.UInt16();
        int shapes = reader.Byte();
        for (var (i, at) = (0, 0); i < runs; i++)
        {
            var (offset, pages, count, previous) = (reader.UInt32(), reader.UInt16(), reader.UInt32(), (ulong)reader.Int64());
            if (offset < at || offset % DeltaCodec.UnitBytes != 0 || offset + ((long)pages * LogPage.Bytes) > length || pages == 0 || count > (length / LogRecord.HeadBytes) - records)
            {
                throw new WireFormatException("A run of a log's pages does not fit the units of its part of a delta.");
            }

            var run = new LogRun((int)offset, pages, (int)count, previous);
            _runs.Add(run);
            (records, at) = (records + run.Records, run.End);
        }

        for (var i = 1; i <= shapes; i++)
        {
            var shape = _shapes[i] = new LogShape(reader.Byte(), reader.Byte(), reader.Byte(), reader.Flag());
            if (shape.Length < LogRecord.HeadBytes)
            {
                throw new WireFormatException($"A shape of a log's records has {shape.Length} bytes; a head alone has {LogRecord.HeadBytes}.");
            }
        }

        return shapes;
    }

    // Where each shape's columns begin, and how many bytes there are of all of them.
    private int Columns(ReadOnlySpan<byte> records, int shapes)
    {
        Array.Clear(_counts);
        foreach (var shape in records)
        {
            _counts[shape]++;
        }

        if (_counts.AsSpan(shapes + 1).ContainsAnyExcept(0))
        {
            throw new WireFormatException("A log's record has a shape that is not there.");
        }

        // At most as many as a part's units have heads, times the longest row: far within an int.
        var bytes = 0;
        for (var shape = 1; shape <= shapes; shape++)
        {
            _next[shape] = bytes;
            bytes += _counts[shape] * _shapes[shape].RowBytes;
        }

        return bytes;
    }

    private void RestoreRun(LogRun run, ref WireReader reader, ReadOnlySpan<byte> records, ReadOnlySpan<byte> columns, Span<byte> units)
    {
        var writer = new LogWriter(units[run.Offset..run.End], ref reader);
        var previous = run.Previous;
        foreach (var shape in records)
        {
            writer.Begin();
            var position = writer.Position;
            writer.Write(shape == ArrangedLog.Large ? TakeLarge(ref reader, previous) : TakeRow(shape, columns, previous));
            previous = position;
        }

        reader.Bytes(writer.Rest.Length).CopyTo(writer.Rest);
    }

    private ReadOnlySpan<byte> TakeLarge(ref WireReader reader, ulong previous)
    {
        var length = reader.UInt32();
        if (length < LogRecord.HeadBytes || length > _record.Length)
        {
            throw new WireFormatException($"A log's record has {length} bytes.");
        }

        var (transaction, info, manager) = (reader.UInt32(), reader.Byte(), reader.Byte());
        var record = _record.AsSpan(0, (int)length);
        reader.Bytes(record.Length - LogRecord.HeadBytes).CopyTo(record[LogRecord.HeadBytes..]);
        return Finish(record, transaction, previous, info, manager);
    }

    private ReadOnlySpan<byte> TakeRow(byte number, ReadOnlySpan<byte> columns, ulong previous)
    {
        var (shape, step, from) = (_shapes[number], _counts[number], _next[number]++);
        uint transaction = 0;
        if (shape.HasTransaction)
        {
            Span<byte> difference = stackalloc byte[sizeof(uint)];
            Gather(columns, ref from, step, difference);
            transaction = _transaction + ArrangedLog.FromZigzag(BinaryPrimitives.ReadUInt32LittleEndian(difference));
        }

        var record = _record.AsSpan(0, shape.Length);
        Gather(columns, ref from, step, record[LogRecord.HeadBytes..]);
        return Finish(record, transaction, previous, shape.Info, shape.Manager);
    }

    private ReadOnlySpan<byte> Finish(Span<byte> record, uint transaction, ulong previous, byte info, byte manager)
    {
        LogRecord.WriteHead(record, transaction, previous, info, manager);
        _transaction = transaction != 0 ? transaction : _transaction;
        return record;
    }

    private static void Gather(ReadOnlySpan<byte> columns, ref int from, int step, Span<byte> row)
    {
        foreach (ref var value in row)
        {
            value = columns[from];
            from += step;
        }
    }

    /// <summary>Fills the pages of a run with records, and the heads of all pages but the first.</summary>
    private ref struct LogWriter
    {
        private readonly Span<byte> _pages;
        private LogPage _page;
        private int _pageEnd;
        private int _at;

        public LogWriter(Span<byte> pages, ref WireReader reader)
        {
            // As much as tells a long head from a short one.
            var head = reader.Bytes(LogPage.ShortHeadBytes);
            head.CopyTo(pages);
            if (!LogPage.TryRead(pages, out _page) || _page.HeadBytes + _page.LeadBytes >= LogPage.Bytes)
            {
                throw new WireFormatException("What should be the first page of a run of a log's has not the head of one.");
            }

            var rest = reader.Bytes(_page.HeadBytes - head.Length + (int)_page.LeadBytes);
            rest.CopyTo(pages[head.Length..]);
            _pages = pages;
            _pageEnd = LogPage.Bytes;
            _at = head.Length + rest.Length;
        }

        public readonly ulong Position => _page.Address + (ulong)(_at - _pageEnd + LogPage.Bytes);

        /// <summary>What is left of the last page.</summary>
        public readonly Span<byte> Rest => _pages[_at..];

        public void Begin()
        {
            if (_at == _pageEnd)
            {
                Turn(0);
            }
        }

        public void Write(ReadOnlySpan<byte> record)
        {
            while (!record.IsEmpty)
            {
                if (_at == _pageEnd)
                {
                    Turn(record.Length);
                }

                var part = Math.Min(record.Length, _pageEnd - _at);
                record[..part].CopyTo(_pages[_at..]);
                _at += part;
                record = record[part..];
            }

            var padding = -_at & (LogPage.Alignment - 1);
            _pages.Slice(_at, padding).Clear();
            _at += padding;
        }

        private void Turn(int remaining)
        {
            if (_pageEnd == _pages.Length)
            {
                throw new WireFormatException("A run of a log's pages has more records than room.");
            }

            _page = _page.Next(remaining);
            _page.Write(_pages[_pageEnd..]);
            _at = _pageEnd + LogPage.ShortHeadBytes;
            _pageEnd += LogPage.Bytes;
        }
    }
}
