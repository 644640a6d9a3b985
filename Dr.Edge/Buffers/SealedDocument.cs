using System.Numerics;
using System.Runtime.InteropServices;
using LiteDB;

namespace Dr.Edge.Buffers;

/// <summary>Every document carries a CRC-32C of its other fields: the database's pages have no checksum of their own.</summary>
internal static class SealedDocument
{
    private const string Checksum = "c";

    public static BsonDocument Seal(BsonDocument document)
    {
        document.Remove(Checksum);
        document[Checksum] = (long)Crc(document);
        return document;
    }

    /// <summary>Gives the document back when it is as it was sealed; throws <see cref="CorruptDataException"/> otherwise.</summary>
    public static BsonDocument Verify(BsonDocument document, string path)
    {
        var stored = document[Checksum];
        document.Remove(Checksum);
        var computed = Crc(document);
        if (!stored.IsInt64 || stored.AsInt64 != computed)
        {
            throw new CorruptDataException(path, 0, $"checksum {stored} in document {document["_id"]}", $"{computed}");
        }

        return document;
    }

    private static uint Crc(BsonDocument document)
    {
        var bytes = BsonSerializer.Serialize(document);
        var crc = uint.MaxValue;
        var words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (var word in words)
        {
            crc = BitOperations.Crc32C(crc, word);
        }

        foreach (var b in bytes.AsSpan(words.Length * sizeof(ulong)))
        {
            crc = BitOperations.Crc32C(crc, b);
        }

        return ~crc;
    }
}
