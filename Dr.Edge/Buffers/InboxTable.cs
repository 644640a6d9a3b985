using LiteDB;

namespace Dr.Edge.Buffers;

/// <summary>Where a command stands on this device.</summary>
/// <param name="ResultJson">The final result as it was first given; null while the command is not finished.</param>
internal sealed record InboxEntry(CommandId Id, long AcceptedMs, string? ResultJson, bool Confirmed);

/// <summary>Commands by id with their final results: what makes a repeated command harmless. Used only by the thread that owns the file.</summary>
internal sealed class InboxTable
{
    private const string CollectionName = "inbox";

    private readonly string _path;
    private readonly ILiteCollection<BsonDocument> _entries;

    public InboxTable(LiteDatabase database, string path)
    {
        _path = path;
        _entries = database.GetCollection(CollectionName, BsonAutoId.ObjectId);
        foreach (var document in _entries.FindAll())
        {
            SealedDocument.Verify(document, path);
        }
    }

    public InboxEntry? Find(CommandId id) => _entries.FindById(id.Value) is { } document ? FromDocument(document) : null;

    public void Accept(CommandId id, long nowMs) => Put(Find(id) ?? new InboxEntry(id, nowMs, null, Confirmed: false));

    public void Finish(CommandId id, string resultJson, long nowMs) =>
        Put((Find(id) ?? new InboxEntry(id, nowMs, null, Confirmed: false)) with { ResultJson = resultJson });

    public void Confirm(CommandId id)
    {
        if (Find(id) is { ResultJson: not null, Confirmed: false } entry)
        {
            Put(entry with { Confirmed = true });
        }
    }

    /// <summary>Results that the control plane has not confirmed.</summary>
    public List<InboxEntry> Unconfirmed() => [.. _entries.FindAll().Select(FromDocument).Where(e => e is { ResultJson: not null, Confirmed: false })];

    public void Prune(long beforeMs)
    {
        foreach (var entry in _entries.FindAll().Select(FromDocument).Where(e => e.Confirmed && e.AcceptedMs < beforeMs).ToList())
        {
            _entries.Delete(entry.Id.Value);
        }
    }

    private void Put(InboxEntry entry) => _entries.Upsert(SealedDocument.Seal(new BsonDocument
    {
        ["_id"] = entry.Id.Value,
        ["t"] = entry.AcceptedMs,
        ["r"] = entry.ResultJson is null ? BsonValue.Null : entry.ResultJson,
        ["f"] = entry.Confirmed,
    }));

    private InboxEntry FromDocument(BsonDocument document)
    {
        SealedDocument.Verify(document, _path);
        return new InboxEntry(new CommandId(document["_id"].AsString), document["t"].AsInt64, document["r"].IsNull ? null : document["r"].AsString, document["f"].AsBoolean);
    }
}
