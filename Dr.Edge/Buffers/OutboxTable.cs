using LiteDB;

namespace Dr.Edge.Buffers;

/// <summary>
/// The rows of one file. Used only by the thread that owns the file. Invariants: the rows of a lane are contiguous from the first to the counter; a row, its
/// counter and its business key are written in one transaction; a row leaves only when the control plane has acknowledged it.
/// </summary>
internal sealed class OutboxTable
{
    private const string RowsName = "rows";
    private const string KeysName = "keys";
    private const int PruneKeysMax = 1_000;

    private readonly string _path;
    private readonly long _limitBytes;
    private readonly ILiteCollection<BsonDocument> _rows;
    private readonly ILiteCollection<BsonDocument> _keys;
    private readonly BufferMeta _meta;
    private readonly Dictionary<Lane, LaneRange> _lanes = [];
    private readonly Dictionary<string, long> _newestStatus = new(StringComparer.Ordinal);
    private bool _newestOnly;

    /// <summary>Reads and checks everything that is there; throws <see cref="CorruptDataException"/> at the first thing that is not as it was written.</summary>
    public OutboxTable(LiteDatabase database, BufferMeta meta, string path, long limitBytes)
    {
        (_meta, _path, _limitBytes) = (meta, path, limitBytes);
        _rows = database.GetCollection(RowsName, BsonAutoId.Int64);
        _keys = database.GetCollection(KeysName, BsonAutoId.ObjectId);
        _keys.EnsureIndex("t");
        foreach (var row in _rows.Find(Query.All("_id")).Select(d => OutboxRow.FromDocument(d, path)))
        {
            var range = _lanes.GetValueOrDefault(row.Lane, new LaneRange(row.Sequence, row.Sequence - 1));
            if (row.Sequence != range.Last + 1)
            {
                throw new CorruptDataException(path, 0, $"row {range.Last + 1} of lane {(int)row.Lane}", $"row {row.Sequence}");
            }

            _lanes[row.Lane] = range with { Last = row.Sequence };
            Count(row);
        }

        foreach (var lane in Enum.GetValues<Lane>())
        {
            var last = meta.LastSequence(lane);
            if (_lanes.TryGetValue(lane, out var range) ? range.Last != last : last < 0)
            {
                throw new CorruptDataException(path, 0, $"counter {range.Last} of lane {(int)lane}", $"{last}");
            }

            _lanes[lane] = range.First == 0 ? new LaneRange(last + 1, last) : range;
        }
    }

    public long UsedBytes { get; private set; }

    public LaneRange Range(Lane lane) => _lanes[lane];

    /// <summary>The verdict, and the receipt when it was taken or is there already.</summary>
    public (QuotaVerdict Verdict, OutboxReceipt Receipt) Add(Lane lane, DataRow data, string bootId, long monotonicMs, long nowMs)
    {
        var key = lane != Lane.Status && data.Key is { } text ? $"{(int)lane}/{text}" : null;
        if (key is not null && _keys.FindById(key) is { } known)
        {
            return (QuotaVerdict.Take, new OutboxReceipt(_meta.Stream, SealedDocument.Verify(known, _path)["s"].AsInt64, Duplicate: true));
        }

        var size = OutboxRow.SizeOf(data);
        var verdict = OutboxQuota.Decide(lane, size, UsedBytes, _limitBytes);
        if (lane == Lane.Status && (_newestOnly || verdict != QuotaVerdict.Take))
        {
            KeepNewestOnly(data.Key);
            verdict = OutboxQuota.Decide(lane, size, UsedBytes, _limitBytes);
        }

        if (verdict is QuotaVerdict.Wait or QuotaVerdict.Refuse)
        {
            return (verdict, default);
        }

        var sequence = _lanes[lane].Last + 1;
        var row = new OutboxRow(lane, sequence, data, bootId, monotonicMs);
        _rows.Insert(row.ToDocument());
        if (key is not null)
        {
            _keys.Insert(SealedDocument.Seal(new BsonDocument { ["_id"] = key, ["s"] = sequence, ["t"] = nowMs }));
        }

        _meta.SetLastSequence(lane, sequence);
        _lanes[lane] = _lanes[lane] with { Last = sequence };
        Count(row);
        return (verdict, new OutboxReceipt(_meta.Stream, sequence, Duplicate: false));
    }

    /// <summary>Rows of <paramref name="lane"/> from <paramref name="first"/> on, as many as fit a batch; at least one when there is one.</summary>
    public List<DataRow> Read(Lane lane, long first)
    {
        var rows = new List<DataRow>();
        var bytes = 0L;
        foreach (var document in _rows.Find(Query.Between("_id", OutboxRow.IdOf(lane, first), OutboxRow.IdOf(lane, _lanes[lane].Last)), limit: LinkLimits.BatchRowsMax))
        {
            var row = OutboxRow.FromDocument(document, _path);
            bytes += row.SizeBytes;
            if (rows.Count > 0 && bytes > LinkLimits.BatchBytesMax)
            {
                break;
            }

            rows.Add(row.Data);
        }

        return rows;
    }

    /// <summary>Removes the rows up to <paramref name="through"/>: the control plane has committed them.</summary>
    public void Forget(Lane lane, long through)
    {
        var range = _lanes[lane];
        var last = Math.Min(through, range.Last);
        if (last < range.First)
        {
            return;
        }

        foreach (var document in _rows.Find(Query.Between("_id", OutboxRow.IdOf(lane, range.First), OutboxRow.IdOf(lane, last))).ToList())
        {
            var row = OutboxRow.FromDocument(document, _path);
            UsedBytes -= row.SizeBytes;
            _rows.Delete(row.Id);
            if (lane == Lane.Status && row.Data.Key is { } key && _newestStatus.GetValueOrDefault(key) == row.Sequence)
            {
                _newestStatus.Remove(key);
            }
        }

        _lanes[lane] = range with { First = last + 1 };
        _newestOnly &= UsedBytes > _limitBytes / 2;
    }

    /// <summary>Forgets business keys older than <paramref name="beforeMs"/> whose rows are gone; a bounded number at a time.</summary>
    public void PruneKeys(long beforeMs)
    {
        foreach (var document in _keys.Find(Query.LT("t", beforeMs), limit: PruneKeysMax).ToList())
        {
            var id = document["_id"].AsString;
            var lane = (Lane)(id[0] - '0');
            if (document["s"].AsInt64 < _lanes[lane].First)
            {
                _keys.Delete(id);
            }
        }
    }

    private void Count(OutboxRow row)
    {
        UsedBytes += row.SizeBytes;
        if (row.Lane == Lane.Status && row.Data.Key is { } key)
        {
            _newestStatus[key] = row.Sequence;
        }
    }

    private void KeepNewestOnly(string? incomingKey)
    {
        if (!_newestOnly)
        {
            // Crossing into pressure: everything that has a newer row of its key goes at once.
            _newestOnly = true;
            var range = _lanes[Lane.Status];
            foreach (var document in _rows.Find(Query.Between("_id", OutboxRow.IdOf(Lane.Status, range.First), OutboxRow.IdOf(Lane.Status, range.Last))).ToList())
            {
                var row = OutboxRow.FromDocument(document, _path);
                if (row.Data.Key is { } key && _newestStatus[key] != row.Sequence)
                {
                    Supersede(row);
                }
            }
        }

        if (incomingKey is not null && _newestStatus.Remove(incomingKey, out var older)
            && _rows.FindById(OutboxRow.IdOf(Lane.Status, older)) is { } superseded)
        {
            Supersede(OutboxRow.FromDocument(superseded, _path));
        }
    }

    /// <summary>The sequence stays, the content goes: what was sent already and what comes after must keep their numbers.</summary>
    private void Supersede(OutboxRow row)
    {
        var empty = row with { Data = new DataRow { Kind = DataRow.Superseded, At = row.Data.At, Body = string.Empty } };
        _rows.Update(empty.ToDocument());
        UsedBytes += empty.SizeBytes - row.SizeBytes;
    }
}

/// <summary>The rows a lane holds: <see cref="First"/> to <see cref="Last"/>, none when First = Last + 1.</summary>
internal readonly record struct LaneRange(long First, long Last)
{
    public long Count => Last - First + 1;
}
