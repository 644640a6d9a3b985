using LiteDB;

namespace Dr.Edge.Buffers;

/// <summary>
/// The few values of a file that are not rows: its stream id, the lanes' counters, the device epoch, epochs seen, the last configuration. Used only by the
/// thread that owns the file.
/// </summary>
internal sealed class BufferMeta
{
    private const string CollectionName = "meta";
    private const string StreamId = "stream";
    private const string CountersId = "counters";
    private const string DeviceEpochId = "deviceEpoch";
    private const string SeenPrefix = "seen/";
    private const string TextPrefix = "text/";

    private readonly ILiteCollection<BsonDocument> _documents;
    private readonly Dictionary<string, BsonDocument> _cache = new(StringComparer.Ordinal);

    public BufferMeta(LiteDatabase database, string path)
    {
        _documents = database.GetCollection(CollectionName, BsonAutoId.ObjectId);
        foreach (var document in _documents.FindAll())
        {
            _cache[document["_id"].AsString] = SealedDocument.Verify(document, path);
        }

        if (!_cache.TryGetValue(StreamId, out var stream))
        {
            if (_cache.Count != 0)
            {
                throw new CorruptDataException(path, 0, "the stream's id", "none, in a file that has other values");
            }

            Put(stream = new BsonDocument { ["_id"] = StreamId, ["v"] = Guid.NewGuid().ToString("N") });
        }

        Stream = Guid.ParseExact(stream["v"].AsString, "N");
    }

    /// <summary>Made with the file: another file is another stream, with sequences of its own.</summary>
    public Guid Stream { get; }

    public long LastSequence(Lane lane) => _cache.TryGetValue(CountersId, out var counters) && counters[LaneField(lane)] is { IsInt64: true } last ? last.AsInt64 : 0;

    public void SetLastSequence(Lane lane, long sequence)
    {
        var counters = _cache.GetValueOrDefault(CountersId) ?? new BsonDocument { ["_id"] = CountersId };
        counters[LaneField(lane)] = sequence;
        Put(counters);
    }

    /// <summary>
    /// The next device epoch: one more than the last, and not below <paramref name="atLeast"/>: the time in milliseconds, so that a new or restored file does not start below what the
    /// control plane has seen.
    /// </summary>
    public long NextDeviceEpoch(long atLeast)
    {
        var last = _cache.TryGetValue(DeviceEpochId, out var document) ? document["v"].AsInt64 : 0;
        var next = Math.Max(last + 1, atLeast);
        Put(new BsonDocument { ["_id"] = DeviceEpochId, ["v"] = next });
        return next;
    }

    public IReadOnlyDictionary<SystemId, Epoch> SeenEpochs() => _cache.Values
        .Where(d => d["_id"].AsString.StartsWith(SeenPrefix, StringComparison.Ordinal))
        .ToDictionary(d => new SystemId(d["_id"].AsString[SeenPrefix.Length..]), d => new Epoch(d["v"].AsInt64));

    public void SetSeenEpoch(SystemId system, Epoch epoch) => Put(new BsonDocument { ["_id"] = SeenPrefix + system.Value, ["v"] = epoch.Value });

    public string? Text(string name) => _cache.TryGetValue(TextPrefix + name, out var document) ? document["v"].AsString : null;

    public void SetText(string name, string value) => Put(new BsonDocument { ["_id"] = TextPrefix + name, ["v"] = value });

    private void Put(BsonDocument document)
    {
        _documents.Upsert(SealedDocument.Seal(document));
        _cache[document["_id"].AsString] = document;
    }

    private static string LaneField(Lane lane) => $"lane{(int)lane}";
}
