using System.Buffers.Binary;

namespace Dr.Edge.Nbd;

/// <summary>Answers to requests: simple replies, and the chunks of structured ones. Every method fills exactly the bytes its size constant says.</summary>
internal static class ReplyCodec
{
    public const ushort ChunkDone = 1;

    /// <summary>Magic, error, cookie. For a READ without structured replies the data follow when there is no error.</summary>
    public static void WriteSimple(Span<byte> reply, ulong cookie, NbdError error)
    {
        BinaryPrimitives.WriteUInt32BigEndian(reply, NbdProtocol.SimpleReplyMagic);
        BinaryPrimitives.WriteUInt32BigEndian(reply[4..], (uint)error);
        BinaryPrimitives.WriteUInt64BigEndian(reply[8..], cookie);
    }

    /// <summary>Magic, flags (every chunk of ours is the request's last), kind, cookie, length of what follows.</summary>
    public static void WriteChunkHeader(Span<byte> chunk, NbdChunk kind, ulong cookie, int length)
    {
        BinaryPrimitives.WriteUInt32BigEndian(chunk, NbdProtocol.StructuredReplyMagic);
        BinaryPrimitives.WriteUInt16BigEndian(chunk[4..], ChunkDone);
        BinaryPrimitives.WriteUInt16BigEndian(chunk[6..], (ushort)kind);
        BinaryPrimitives.WriteUInt64BigEndian(chunk[8..], cookie);
        BinaryPrimitives.WriteUInt32BigEndian(chunk[16..], (uint)length);
    }

    /// <summary>Header of an OFFSET_DATA chunk; <paramref name="dataLength"/> bytes of data follow, never none.</summary>
    public static void WriteDataChunkHeader(Span<byte> chunk, ulong cookie, ulong offset, int dataLength)
    {
        WriteChunkHeader(chunk, NbdChunk.OffsetData, cookie, NbdProtocol.OffsetDataSize + dataLength);
        BinaryPrimitives.WriteUInt64BigEndian(chunk[NbdProtocol.StructuredReplySize..], offset);
    }

    /// <summary>An ERROR chunk without a message; messages are in our log, where the operator looks.</summary>
    public static void WriteErrorChunk(Span<byte> chunk, ulong cookie, NbdError error)
    {
        WriteChunkHeader(chunk, NbdChunk.Error, cookie, NbdProtocol.ErrorChunkSize);
        BinaryPrimitives.WriteUInt32BigEndian(chunk[NbdProtocol.StructuredReplySize..], (uint)error);
        BinaryPrimitives.WriteUInt16BigEndian(chunk[(NbdProtocol.StructuredReplySize + 4)..], 0);
    }

    /// <summary>Header of a BLOCK_STATUS chunk; <paramref name="extentCount"/> extents follow, never none.</summary>
    public static void WriteStatusChunkHeader(Span<byte> chunk, ulong cookie, uint contextId, int extentCount)
    {
        WriteChunkHeader(chunk, NbdChunk.BlockStatus, cookie, NbdProtocol.ContextIdSize + (extentCount * NbdProtocol.ExtentSize));
        BinaryPrimitives.WriteUInt32BigEndian(chunk[NbdProtocol.StructuredReplySize..], contextId);
    }

    public static void WriteExtent(Span<byte> extent, uint length, uint status)
    {
        BinaryPrimitives.WriteUInt32BigEndian(extent, length);
        BinaryPrimitives.WriteUInt32BigEndian(extent[4..], status);
    }
}
