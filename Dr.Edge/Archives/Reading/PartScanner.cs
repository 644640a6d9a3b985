using System.Buffers.Binary;
using Dr.Edge.Archives.Format;
using Dr.Edge.Volumes.Disk;
using ZstdSharp;

namespace Dr.Edge.Archives.Reading;

/// <summary>
/// Reads the records of one part in order and tells the ledger of each. Behind a damaged place it looks for the next record that is wholly right: what an archive of an archive holds looks
/// like records too, and is told from them by the tag, which binds each to its own part.
/// </summary>
internal sealed class PartScanner : IDisposable
{
    private readonly Decompressor _decompressor = new();
    private byte[] _payload = [];
    private byte[] _content = [];

    /// <param name="master">The set's key; null when the archive is not encrypted, or nobody has it.</param>
    /// <param name="content">Takes every piece of content that is right, in ascending order; null when only checked.</param>
    /// <param name="progress">How far the part is read, bytes.</param>
    public void Scan(ArchivePart part, byte[]? master, ContentLedger ledger, ContentSink? content, Action<long> progress, CancellationToken cancellationToken)
    {
        ledger.Begin(part.Where, part.Header!);
        if (part.HeaderDamage is { } damage)
        {
            ledger.Report(new ArchiveFinding(part.Where, part.Start, PartHeader.Copies * PartHeader.SizeBytes, damage));
        }

        var withoutKey = part.Header!.KeyKind != ArchiveKeyKind.None && master is null;
        using var seal = withoutKey ? null : ArchiveSeal.Create(part.Header, part.Page, master);
        var window = new ReadWindow(part.Input);
        var limit = part.Start + part.Length;
        for (var at = part.Start + (PartHeader.Copies * PartHeader.SizeBytes); ;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            switch (Look(window, seal, at, limit, out var record))
            {
                case Sight.Right:
                    if (Take(part, ledger, at, record, seal is null ? null : content))
                    {
                        Trailing(part, ledger, at + RecordHeader.SizeBytes + record.StoredLength, limit);
                        return;
                    }

                    break;

                case Sight.BadPayload:
                    ledger.Damaged(part.Where, at, record, Why(window, at, record.StoredLength, $"record {record.Number} is damaged"));
                    break;

                default:
                    var next = Find(window, seal, at + 1, limit, cancellationToken);
                    ledger.Garbage(part.Where, at, next - at, Why(window, at, next - at, next == limit ? $"part {part.Number} is damaged or cut off from here on" : "what lies here is damaged"));
                    if (next == limit)
                    {
                        return;
                    }

                    at = next;
                    continue;
            }

            at += RecordHeader.SizeBytes + record.StoredLength;
            progress(at - part.Start);
        }
    }

    public void Dispose() => _decompressor.Dispose();

    /// <summary>True when it was the part's end.</summary>
    private bool Take(ArchivePart part, ContentLedger ledger, long at, RecordHeader record, ContentSink? content)
    {
        var payload = _payload.AsMemory(0, record.StoredLength);
        if (record.Kind == RecordKind.Data && content is not null && record.Encoding == RecordEncoding.Zstd)
        {
            if (!TryUnpack(payload.Span, record.ContentLength))
            {
                ledger.Damaged(part.Where, at, record, $"record {record.Number} cannot be unpacked");
                return false;
            }

            payload = _content.AsMemory(0, record.ContentLength);
        }

        if (!ledger.Accept(part.Where, at, record))
        {
            return record.Kind == RecordKind.End;
        }

        switch (record.Kind)
        {
            case RecordKind.Data:
                content?.Invoke(ledger, record.VolumeOffset, payload);
                return false;

            case RecordKind.End:
                ledger.End(part.Where, at, PartEnd.Read(payload.Span));
                return true;

            default:
                return false;
        }
    }

    private bool TryUnpack(ReadOnlySpan<byte> payload, int length)
    {
        Grow(ref _content, length);
        try
        {
            return _decompressor.Unwrap(payload, _content.AsSpan(0, length)) == length;
        }
        catch (ZstdException)
        {
            return false;
        }
    }

    private enum Sight
    {
        Right,

        /// <summary>The header is right; the payload is not what it says.</summary>
        BadPayload,

        /// <summary>No record, or one that does not belong to this part.</summary>
        Nothing,
    }

    private Sight Look(ReadWindow window, ArchiveSeal? seal, long at, long limit, out RecordHeader record)
    {
        record = default;
        if (at + RecordHeader.SizeBytes > limit || !RecordHeader.TryRead(window.Get(at, RecordHeader.SizeBytes), out record) || at + RecordHeader.SizeBytes + record.StoredLength > limit)
        {
            return Sight.Nothing;
        }

        var whole = window.Get(at, RecordHeader.SizeBytes + record.StoredLength);
        var header = whole[..RecordHeader.SizeBytes];
        var payload = whole[RecordHeader.SizeBytes..];
        if (!RecordHeader.PayloadIsRight(header, payload))
        {
            return Sight.BadPayload;
        }

        Grow(ref _payload, payload.Length);
        payload.CopyTo(_payload);
        return seal is null || seal.TryOpen(record, header, _payload.AsSpan(0, record.StoredLength)) ? Sight.Right : Sight.Nothing;
    }

    /// <summary>Where the next record that is wholly right begins; <paramref name="limit"/> when there is none.</summary>
    private long Find(ReadWindow window, ArchiveSeal? seal, long at, long limit, CancellationToken cancellationToken)
    {
        Span<byte> magic = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(magic, RecordHeader.Magic);
        while (at + RecordHeader.SizeBytes <= limit)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var bytes = window.Get(at, (int)Math.Min(limit - at, ArchiveLimits.MaxContentBytes));
            var found = bytes.IndexOf(magic);
            if (found < 0)
            {
                at += bytes.Length - magic.Length + 1;
                continue;
            }

            at += found;
            if (Look(window, seal, at, limit, out _) == Sight.Right)
            {
                return at;
            }

            at++;
        }

        return limit;
    }

    /// <summary>Lengths are bounded by what a header may say (<see cref="ArchiveLimits.MaxContentBytes"/>).</summary>
    private static void Grow(ref byte[] buffer, int length)
    {
        if (buffer.Length < length)
        {
            buffer = new byte[Math.Min(Math.Max(length, 2 * buffer.Length), ArchiveLimits.MaxContentBytes)];
        }
    }

    private static void Trailing(ArchivePart part, ContentLedger ledger, long end, long limit)
    {
        if (end < limit)
        {
            ledger.Report(new ArchiveFinding(part.Where, end, limit - end, "something lies behind the end of the part"));
        }
    }

    private static string Why(ReadWindow window, long at, long length, string problem) =>
        window.Unreadable is { } place && place.Offset + ArchiveLimits.PageBytes > at && place.Offset < at + RecordHeader.SizeBytes + length
            ? $"{problem}: byte {place.Offset} cannot be read, {Posix.Describe(place.Errno)}"
            : problem;
}
