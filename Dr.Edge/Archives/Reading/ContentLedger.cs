using Dr.Edge.Archives.Format;

namespace Dr.Edge.Archives.Reading;

/// <summary>
/// Follows the records of an archive in order, and knows at its end what of the volume is lost. Pure. Between two records that follow each other lie holes; where a record is missing, everything between the
/// neighbours is taken for lost, because nobody can tell what it held.
/// </summary>
internal sealed class ContentLedger(long volumeBytes)
{
    private readonly List<ArchiveFinding> _findings = [];
    private long _nextRecord;
    private int _nextPart = 1;

    // The finding that the content from _position on is in doubt because of; its loss ends where the next right record begins.
    private int? _doubt;

    /// <summary>Everything before is content that was delivered, a hole, or lost.</summary>
    public long Position { get; private set; }

    /// <summary>The record that ends the archive was seen.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>Content that was delivered, bytes.</summary>
    public long DeliveredBytes { get; private set; }

    public IReadOnlyList<ArchiveFinding> Findings => _findings;

    /// <summary>What of the volume is lost so far, bytes.</summary>
    public long LostBytes { get; private set; }

    /// <summary>A part begins.</summary>
    public void Begin(string where, PartHeader header)
    {
        if (HasEnded)
        {
            Report(new ArchiveFinding(where, 0, 0, $"part {header.PartNumber} lies behind the end of the archive"));
            return;
        }

        if (header.PartNumber > _nextPart)
        {
            var (first, last) = (_nextPart, header.PartNumber - 1);
            Doubt(where, 0, 0, first == last ? $"part {first} is missing" : $"parts {first} to {last} are missing");
        }
        else if (header.FirstOffset != Position || header.FirstRecord != _nextRecord)
        {
            Doubt(where, 0, 0, $"part {header.PartNumber} does not begin where the part before it ends");
        }

        Settle(header.FirstOffset);
        _nextPart = header.PartNumber + 1;
        _nextRecord = header.FirstRecord;
    }

    /// <summary>A part whose header is damaged: nothing in it can be read.</summary>
    public void Unreadable(string where, long length, int number, string problem)
    {
        Doubt(where, 0, length, problem);
        _nextPart = Math.Max(_nextPart, number + 1);
    }

    /// <summary>A record that is right. False when it does not belong here: then its content must not be used.</summary>
    public bool Accept(string where, long at, RecordHeader record)
    {
        var end = record.VolumeOffset + record.ContentLength;
        if (HasEnded || record.Number < _nextRecord || (record.Kind == RecordKind.Data && (record.VolumeOffset < Position || end > volumeBytes)))
        {
            Doubt(where, at, RecordHeader.SizeBytes + record.StoredLength, $"record {record.Number} does not belong here");
            return false;
        }

        if (record.Number > _nextRecord && _doubt is null)
        {
            Doubt(where, at, 0, record.Number - 1 == _nextRecord ? $"record {_nextRecord} is missing" : $"records {_nextRecord} to {record.Number - 1} are missing");
        }

        if (record.Kind == RecordKind.Data)
        {
            Settle(record.VolumeOffset);
            Position = end;
            DeliveredBytes += record.ContentLength;
        }

        _nextRecord = record.Number + 1;
        return true;
    }

    /// <summary>A record whose header is right and whose payload is not.</summary>
    public void Damaged(string where, long at, RecordHeader record, string problem)
    {
        var end = record.VolumeOffset + record.ContentLength;
        var length = RecordHeader.SizeBytes + record.StoredLength;
        if (record.Kind != RecordKind.Data && record.Number == _nextRecord && _doubt is null)
        {
            Report(new ArchiveFinding(where, at, length, problem));
            _nextRecord++;
            return;
        }

        if (HasEnded || record.Number != _nextRecord || record.Kind != RecordKind.Data || record.VolumeOffset < Position || end > volumeBytes)
        {
            Doubt(where, at, length, problem);
            _nextRecord = Math.Max(_nextRecord, record.Number + 1);
            return;
        }

        Settle(record.VolumeOffset);
        Report(new ArchiveFinding(where, at, length, problem) { Lost = new LostRange(record.VolumeOffset, record.ContentLength) });
        Position = end;
        _nextRecord++;
    }

    /// <summary>Bytes that are no record; what they held shows when the next right record comes.</summary>
    public void Garbage(string where, long at, long length, string problem) => Doubt(where, at, length, problem);

    /// <summary>Something is wrong that costs no content.</summary>
    public void Report(ArchiveFinding finding)
    {
        _findings.Add(finding);
        LostBytes += finding.Lost?.Length ?? 0;
    }

    /// <summary>The last record of a part, after <see cref="Accept"/> of it.</summary>
    public void End(string where, long at, PartEnd end)
    {
        if (end.NextOffset < Position || end.NextOffset > volumeBytes || end.NextRecord != _nextRecord || (end.IsLast && end.NextOffset != volumeBytes))
        {
            Doubt(where, at, PartEnd.RecordBytes, "the part's end does not fit its records");
            return;
        }

        Settle(end.NextOffset);
        Position = end.NextOffset;
        HasEnded = end.IsLast;
    }

    /// <summary>A part that was read and right before, and whose content the reader has.</summary>
    public void Skip(PartEnd end)
    {
        Position = Math.Max(Position, end.NextOffset);
        _nextRecord = end.NextRecord;
    }

    /// <summary>No more parts.</summary>
    /// <param name="where">Where they were looked for.</param>
    /// <param name="expectedParts">By the catalogue; 0 when nobody knows.</param>
    public void Finish(string where, int expectedParts)
    {
        if (!HasEnded)
        {
            Doubt(where, 0, 0, expectedParts > _nextPart ? $"parts {_nextPart} to {expectedParts} are missing" : expectedParts == _nextPart ? $"part {_nextPart} is missing" : "the end of the archive is missing");
            Settle(volumeBytes);
            Position = volumeBytes;
        }
    }

    private void Doubt(string where, long at, long length, string problem)
    {
        // Every finding is told; the loss, which may have several causes, is put down to the first.
        _findings.Add(new ArchiveFinding(where, at, length, problem));
        _doubt ??= _findings.Count - 1;
    }

    /// <summary>What was in doubt ends at <paramref name="offset"/>.</summary>
    private void Settle(long offset)
    {
        if (_doubt is { } index && offset > Position)
        {
            _findings[index] = _findings[index] with { Lost = new LostRange(Position, offset - Position) };
            LostBytes += offset - Position;
        }

        _doubt = null;
        Position = Math.Max(Position, offset);
    }
}
