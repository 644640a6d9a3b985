using System.Buffers;
using System.Buffers.Binary;
using Dr.Contracts.Wire;

namespace Dr.Edge.Replication.Packing.Logs;

/// <summary>
/// Writes units that hold a database's log so that they compress better, as <c>arranged-log.md</c> says: what follows from the rest is left out, and records of one shape lie in columns. What is not a log, or not as it
/// should be, stays as it is. Pure; one owner.
/// </summary>
internal sealed class LogArranger
{
    private readonly List<LogRun> _runs = [];
    private readonly List<LogShape> _shapes = [];
    private readonly Dictionary<LogShape, byte> _shapeNumbers = [];
    private readonly ArrayBufferWriter<byte> _records = new();
    private readonly ArrayBufferWriter<byte> _rows = new();
    private readonly ArrayBufferWriter<byte> _plain = new();
    private readonly ArrayBufferWriter<byte> _arranged = new();
    private byte[] _record = [];
    private int[] _order = [];
    private uint _transaction;

    /// <summary>What was not put into columns by the last <see cref="TryArrange"/>: the end of what that gave.</summary>
    public ReadOnlySpan<byte> Plain => _plain.WrittenSpan;

    /// <summary>False when there is no log in <paramref name="units"/>, or nothing would be gained; what comes out is valid until the next call.</summary>
    public bool TryArrange(ReadOnlySpan<byte> units, out ReadOnlySpan<byte> arranged)
    {
        Reset(units.Length);
        var taken = 0;
        for (var at = 0; units.Length - at >= LogPage.Bytes;)
        {
            at = TryTakeRun(units, at, ref taken) ? taken : at + DeltaCodec.UnitBytes;
        }

        arranged = default;
        if (_runs.Count == 0)
        {
            return false;
        }

        _plain.Write(units[taken..]);
        WriteHead();
        WriteColumns();
        _arranged.Write(_plain.WrittenSpan);
        arranged = _arranged.WrittenSpan;
        return arranged.Length < units.Length;
    }

    private void Reset(int length)
    {
        _runs.Clear();
        _shapes.Clear();
        _shapeNumbers.Clear();
        _records.ResetWrittenCount();
        _rows.ResetWrittenCount();
        _plain.ResetWrittenCount();
        _arranged.ResetWrittenCount();
        _transaction = 0;
        if (_record.Length < length)
        {
            _record = new byte[length];
        }
    }

    /// <param name="taken">Up to where the units are in what was written; moved on to the end of the run.</param>
    private bool TryTakeRun(ReadOnlySpan<byte> units, int offset, ref int taken)
    {
        if (_runs.Count == ushort.MaxValue || !LogScanner.TryStart(units, offset, _record, out var scanner))
        {
            return false;
        }

        var first = scanner.At;
        var (end, records, previous) = (first, 0, 0UL);
        while (scanner.TryRead(out var record))
        {
            if (records++ == 0)
            {
                // What is before the first record stays as it is.
                _plain.Write(units[taken..first]);
                previous = BinaryPrimitives.ReadUInt64LittleEndian(record[LogRecord.PreviousOffset..]);
            }

            Take(record);
            end = scanner.At;
        }

        if (records == 0)
        {
            return false;
        }

        var run = new LogRun(offset, (end - offset + LogPage.Bytes - 1) / LogPage.Bytes, records, previous);
        _plain.Write(units[end..run.End]);
        _runs.Add(run);
        taken = run.End;
        return true;
    }

    private void Take(ReadOnlySpan<byte> record)
    {
        var transaction = BinaryPrimitives.ReadUInt32LittleEndian(record[LogRecord.TransactionOffset..]);
        var (info, manager) = (record[LogRecord.InfoOffset], record[LogRecord.ManagerOffset]);
        var shape = record.Length <= ArrangedLog.MaxColumnRecordBytes ? ShapeNumber(new LogShape(info, manager, (byte)record.Length, transaction != 0)) : ArrangedLog.Large;
        var output = shape == ArrangedLog.Large ? _plain : _rows;
        var writer = new WireWriter(output);
        new WireWriter(_records).Byte(shape);
        if (shape == ArrangedLog.Large)
        {
            writer.UInt32((uint)record.Length);
            writer.UInt32(transaction);
            writer.Byte(info);
            writer.Byte(manager);
        }
        else if (transaction != 0)
        {
            writer.UInt32(ArrangedLog.ToZigzag(transaction - _transaction));
        }

        writer.Bytes(record[LogRecord.HeadBytes..]);
        _transaction = transaction != 0 ? transaction : _transaction;
    }

    private byte ShapeNumber(LogShape shape)
    {
        if (_shapeNumbers.TryGetValue(shape, out var number))
        {
            return number;
        }

        if (_shapes.Count == ArrangedLog.MaxShapes)
        {
            return ArrangedLog.Large;
        }

        _shapes.Add(shape);
        return _shapeNumbers[shape] = (byte)_shapes.Count;
    }

    private void WriteHead()
    {
        var writer = new WireWriter(_arranged);
        writer.UInt16(_runs.Count);
        writer.Byte((byte)_shapes.Count);
        foreach (var run in _runs)
        {
            writer.UInt32((uint)run.Offset);
            writer.UInt16(run.Pages);
            writer.UInt32((uint)run.Records);
            writer.Int64((long)run.Previous);
        }

        foreach (var shape in _shapes)
        {
            writer.Byte(shape.Info);
            writer.Byte(shape.Manager);
            writer.Byte(shape.Length);
            writer.Byte(shape.HasTransaction ? (byte)1 : (byte)0);
        }

        writer.Bytes(_records.WrittenSpan);
    }

    // Rows lie in the order of their records: one pass per column of a shape would look at all of them, so their places are sorted by shape first.
    private void WriteColumns()
    {
        var records = _records.WrittenSpan;
        if (_order.Length < records.Length)
        {
            _order = new int[records.Length];
        }

        Span<int> ends = stackalloc int[ArrangedLog.MaxShapes + 1];
        foreach (var shape in records)
        {
            ends[shape]++;
        }

        for (var shape = 1; shape <= _shapes.Count; shape++)
        {
            ends[shape] += ends[shape - 1];
        }

        var row = _rows.WrittenCount;
        for (var i = records.Length - 1; i >= 0; i--)
        {
            var shape = records[i];
            row -= shape == ArrangedLog.Large ? 0 : _shapes[shape - 1].RowBytes;
            _order[--ends[shape]] = row;
        }

        for (var shape = 1; shape <= _shapes.Count; shape++)
        {
            // What counted down to its start ended at the next one's.
            var end = shape < _shapes.Count ? ends[shape + 1] : records.Length;
            WriteColumns(_order.AsSpan(ends[shape]..end), _shapes[shape - 1].RowBytes);
        }
    }

    private void WriteColumns(ReadOnlySpan<int> places, int width)
    {
        var rows = _rows.WrittenSpan;
        var columns = _arranged.GetSpan(places.Length * width);
        for (var i = 0; i < places.Length; i++)
        {
            var row = rows.Slice(places[i], width);
            for (var column = 0; column < row.Length; column++)
            {
                columns[(column * places.Length) + i] = row[column];
            }
        }

        _arranged.Advance(places.Length * width);
    }
}
