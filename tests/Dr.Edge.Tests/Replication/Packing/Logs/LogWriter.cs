using System.Buffers.Binary;
using Dr.Contracts.Wire;

namespace Dr.Edge.Tests.Replication.Packing.Logs;

/// <summary>Writes a log as PostgreSQL lays it out, independently of the code that reads it: pages with their heads, records that go on over them.</summary>
internal sealed class LogWriter
{
    public const int PageBytes = 8192;
    private readonly List<byte> _bytes = [];
    private readonly ulong _address;
    private ulong _previous;

    /// <param name="address">Position of the first page, a multiple of 8 KiB; of 16 MiB: the first of a segment.</param>
    /// <param name="lead">Bytes of a record that began before it.</param>
    public LogWriter(ulong address, byte[]? lead = null)
    {
        (_address, _previous) = (address, address - 48);
        Head(lead?.Length ?? 0);
        Put(lead ?? []);
    }

    /// <summary>Whole pages; the last one ends with zeros.</summary>
    public byte[] ToPages()
    {
        var pages = new byte[(_bytes.Count + PageBytes - 1) / PageBytes * PageBytes];
        _bytes.CopyTo(pages);
        return pages;
    }

    public LogWriter Add(uint transaction, byte manager, byte info, ReadOnlySpan<byte> data)
    {
        if (_bytes.Count % PageBytes == 0)
        {
            Head(0);
        }

        var record = new byte[24 + data.Length];
        BinaryPrimitives.WriteInt32LittleEndian(record, record.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(4), transaction);
        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(8), _previous);
        (record[16], record[17]) = (info, manager);
        data.CopyTo(record.AsSpan(24));
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(20), Crc32C.Compute([.. data, .. record[..20]]));
        _previous = _address + (ulong)_bytes.Count;
        Put(record);
        return this;
    }

    private void Put(ReadOnlySpan<byte> record)
    {
        for (var left = record; !left.IsEmpty;)
        {
            if (_bytes.Count % PageBytes == 0)
            {
                Head(left.Length);
            }

            var part = left[..Math.Min(left.Length, PageBytes - (_bytes.Count % PageBytes))];
            _bytes.AddRange(part);
            left = left[part.Length..];
        }

        while (_bytes.Count % 8 != 0)
        {
            _bytes.Add(0);
        }
    }

    private void Head(int remaining)
    {
        var address = _address + (ulong)_bytes.Count;
        var isFirst = address % (16 << 20) == 0;
        var head = new byte[isFirst ? 40 : 24];
        BinaryPrimitives.WriteUInt16LittleEndian(head, 0xD110);
        BinaryPrimitives.WriteUInt16LittleEndian(head.AsSpan(2), (ushort)(4 | (isFirst ? 2 : 0) | (remaining > 0 ? 1 : 0)));
        BinaryPrimitives.WriteUInt32LittleEndian(head.AsSpan(4), 1);
        BinaryPrimitives.WriteUInt64LittleEndian(head.AsSpan(8), address);
        BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(16), remaining);
        _bytes.AddRange(head);
    }
}
