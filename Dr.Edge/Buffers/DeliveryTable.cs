using LiteDB;

namespace Dr.Edge.Buffers;

/// <summary>Where a transaction stands that was taken while the library system did not answer.</summary>
internal enum DeliveryState
{
    /// <summary>Not answered yet; it is sent until it is.</summary>
    Waiting,
    Accepted,
    Rejected,
}

/// <param name="Sequence">Its place; they are sent in this order.</param>
/// <param name="Id">The same transaction has the same id, however often it is sent.</param>
/// <param name="Card">The reader's; empty for a return, which names none.</param>
/// <param name="Message">As it is sent.</param>
/// <param name="Answer">What the library system said, word for word; kept.</param>
internal sealed record Delivery(long Sequence, string Id, string Card, string Message, long AtMs, DeliveryState State, string? Answer, long? AnsweredMs);

/// <summary>Transactions for the library system, in order, with the answers that came. Used only by the thread that owns the file.</summary>
internal sealed class DeliveryTable
{
    private const string CollectionName = "deliveries";
    private const string IdField = "i";
    private const string StateField = "s";

    private readonly string _path;
    private readonly ILiteCollection<BsonDocument> _rows;
    private long _last;

    public DeliveryTable(LiteDatabase database, string path)
    {
        _path = path;
        _rows = database.GetCollection(CollectionName, BsonAutoId.Int64);
        _rows.EnsureIndex(IdField, unique: true);
        _rows.EnsureIndex(StateField);
        foreach (var document in _rows.FindAll())
        {
            _last = Math.Max(_last, FromDocument(document).Sequence);
        }
    }

    public int Waiting => _rows.Count(Query.EQ(StateField, (int)DeliveryState.Waiting));

    /// <summary>The one that is there when the id was added before.</summary>
    public Delivery Add(string id, string card, string message, long nowMs)
    {
        if (Find(id) is { } present)
        {
            return present;
        }

        var delivery = new Delivery(++_last, id, card, message, nowMs, DeliveryState.Waiting, null, null);
        _rows.Insert(ToDocument(delivery));
        return delivery;
    }

    /// <summary>The first that is not answered.</summary>
    public Delivery? Next() => _rows.Find(Query.EQ(StateField, (int)DeliveryState.Waiting)).Select(FromDocument).MinBy(d => d.Sequence);

    public void Answer(long sequence, DeliveryState state, string answer, long nowMs)
    {
        if (_rows.FindById(sequence) is { } document)
        {
            _rows.Update(ToDocument(FromDocument(document) with { State = state, Answer = answer, AnsweredMs = nowMs }));
        }
    }

    public Delivery? Find(string id) => _rows.FindOne(Query.EQ(IdField, id)) is { } document ? FromDocument(document) : null;

    /// <summary>Newest first.</summary>
    public List<Delivery> Recent(int count) => [.. _rows.Find(Query.All(Query.Descending), limit: count).Select(FromDocument)];

    public void Prune(long beforeMs)
    {
        foreach (var old in _rows.Find(Query.Not(StateField, (int)DeliveryState.Waiting)).Select(FromDocument).Where(d => d.AnsweredMs < beforeMs && d.Sequence != _last).ToList())
        {
            _rows.Delete(old.Sequence);
        }
    }

    private static BsonDocument ToDocument(Delivery delivery) => SealedDocument.Seal(new BsonDocument
    {
        ["_id"] = delivery.Sequence,
        [IdField] = delivery.Id,
        ["k"] = delivery.Card,
        ["m"] = delivery.Message,
        ["t"] = delivery.AtMs,
        [StateField] = (int)delivery.State,
        ["a"] = delivery.Answer is null ? BsonValue.Null : delivery.Answer,
        ["w"] = delivery.AnsweredMs is { } at ? at : BsonValue.Null,
    });

    private Delivery FromDocument(BsonDocument document)
    {
        SealedDocument.Verify(document, _path);
        return new Delivery(
            document["_id"].AsInt64, document[IdField].AsString, document["k"].AsString, document["m"].AsString, document["t"].AsInt64, (DeliveryState)document[StateField].AsInt32,
            document["a"].IsNull ? null : document["a"].AsString, document["w"].IsNull ? null : document["w"].AsInt64);
    }
}
