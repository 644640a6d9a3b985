using Dr.Edge.Archives.Format;
using ZstdSharp;

namespace Dr.Edge.Archives.Writing;

/// <summary>Writes one part: header, records, end. Owns nothing but its buffers; the output is the caller's.</summary>
internal sealed class PartWriter : IDisposable
{
    /// <summary>The fastest levels cost about what the disk does; 3 is the library's default and still several hundred MB/s.</summary>
    private const int ZstdLevel = 3;

    /// <summary>What a part needs behind its last content: a filler of up to a page, and the end.</summary>
    private const int EndBytes = RecordHeader.SizeBytes + ArchiveLimits.PageBytes + PartEnd.RecordBytes;

    private readonly IArchiveOutput _output;
    private readonly ArchiveSeal _seal;
    private readonly Compressor? _compressor;
    private byte[] _record = [];
    private byte[] _packed = [];
    private readonly long _limitBytes;

    public PartWriter(IArchiveOutput output, PartHeader header, byte[]? master)
    {
        _output = output;
        _limitBytes = header.Description.PartBytes;
        NextRecord = header.FirstRecord;
        _compressor = header.Description.Compressed ? new Compressor(ZstdLevel) : null;
        var page = header.Encode(copy: 0);
        _seal = ArchiveSeal.Create(header, page, master);
        Append(page);
        Append(header.Encode(copy: 1));
    }

    public long Bytes { get; private set; }

    public long NextRecord { get; private set; }

    /// <summary>False when the content would take the part beyond its limit; a part with nothing in it takes any. Call again with a new part then.</summary>
    /// <param name="volumeOffset">Where in the volume the content lies; ascending from call to call.</param>
    /// <param name="content">1 byte to <see cref="ArchiveLimits.MaxContentBytes"/>.</param>
    public bool TryWrite(long volumeOffset, ReadOnlySpan<byte> content)
    {
        // Compressed only where that saves a sixteenth.
        var packed = int.MaxValue;
        if (_compressor is not null)
        {
            Grow(ref _packed, Compressor.GetCompressBound(content.Length));
            packed = _compressor.Wrap(content, _packed);
        }

        var encoding = packed <= content.Length - (content.Length / 16) && packed < content.Length ? RecordEncoding.Zstd : RecordEncoding.Raw;
        var payload = encoding == RecordEncoding.Zstd ? _packed.AsSpan(0, packed) : content;
        if (Bytes + RecordHeader.SizeBytes + payload.Length + EndBytes > _limitBytes && Bytes > PartHeader.Copies * PartHeader.SizeBytes)
        {
            return false;
        }

        Write(
            new RecordHeader
            {
                Kind = RecordKind.Data,
                Encoding = encoding,
                Number = NextRecord,
                VolumeOffset = volumeOffset,
                ContentLength = content.Length,
                StoredLength = payload.Length,
            },
            payload);
        return true;
    }

    /// <summary>Ends the part at the end of a page.</summary>
    public PartEnd Finish(long nextOffset, long contentBytes, bool isLast)
    {
        var behind = Bytes + RecordHeader.SizeBytes + PartEnd.RecordBytes;
        var filler = (int)(-behind & (ArchiveLimits.PageBytes - 1));
        Write(new RecordHeader { Kind = RecordKind.Filler, Number = NextRecord, StoredLength = filler }, new byte[filler]);
        var end = new PartEnd(Bytes + PartEnd.RecordBytes, nextOffset, NextRecord + 1, contentBytes, isLast);
        Write(new RecordHeader { Kind = RecordKind.End, Number = NextRecord, StoredLength = PartEnd.SizeBytes }, end.Encode());
        return end;
    }

    public void Dispose()
    {
        _seal.Dispose();
        _compressor?.Dispose();
    }

    private void Write(RecordHeader record, ReadOnlySpan<byte> payload)
    {
        Grow(ref _record, RecordHeader.SizeBytes + payload.Length);
        var whole = _record.AsSpan(0, RecordHeader.SizeBytes + payload.Length);
        payload.CopyTo(whole[RecordHeader.SizeBytes..]);
        _seal.Seal(record, whole[..RecordHeader.SizeBytes], whole[RecordHeader.SizeBytes..]);
        Append(whole);
        NextRecord++;
    }

    private static void Grow(ref byte[] buffer, int length)
    {
        if (buffer.Length < length)
        {
            buffer = new byte[Math.Max(length, 2 * buffer.Length)];
        }
    }

    private void Append(ReadOnlySpan<byte> data)
    {
        _output.Append(data);
        Bytes += data.Length;
    }
}
