using System.Text;
using LiteDB;

namespace Dr.Edge.Buffers;

/// <summary>A row as it lies in the file. Order is by sequence; the times are for people and for later correction, never for order.</summary>
internal sealed record OutboxRow(Lane Lane, long Sequence, DataRow Data, string BootId, long MonotonicMs)
{
    /// <summary>What a row costs beside its texts: document, index entries, its key's entry.</summary>
    private const int OverheadBytes = 128;

    private const int SequenceBits = 56;

    /// <summary>Highest sequence a lane can hold; at a million rows a second it lasts two thousand years.</summary>
    private const long SequenceMask = (1L << SequenceBits) - 1;

    public long Id => IdOf(Lane, Sequence);

    public long SizeBytes => SizeOf(Data);

    public static long IdOf(Lane lane, long sequence) => ((long)lane << SequenceBits) | (sequence & SequenceMask);

    public static long SizeOf(DataRow row) => OverheadBytes + Encoding.UTF8.GetByteCount(row.Body) + Encoding.UTF8.GetByteCount(row.Kind) + Encoding.UTF8.GetByteCount(row.Key ?? string.Empty);

    public BsonDocument ToDocument() => SealedDocument.Seal(new BsonDocument
    {
        ["_id"] = Id,
        ["k"] = Data.Kind,
        ["y"] = Data.Key is null ? BsonValue.Null : Data.Key,
        ["a"] = Data.At.ToString("O", CultureInfo.InvariantCulture),
        ["b"] = Data.Body,
        ["o"] = BootId,
        ["m"] = MonotonicMs,
    });

    public static OutboxRow FromDocument(BsonDocument document, string path)
    {
        SealedDocument.Verify(document, path);
        var id = document["_id"].AsInt64;
        return new OutboxRow(
            (Lane)(id >> SequenceBits),
            id & SequenceMask,
            new DataRow
            {
                Kind = document["k"].AsString,
                Key = document["y"].IsNull ? null : document["y"].AsString,
                At = DateTimeOffset.Parse(document["a"].AsString, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind),
                Body = document["b"].AsString,
            },
            document["o"].AsString,
            document["m"].AsInt64);
    }
}
