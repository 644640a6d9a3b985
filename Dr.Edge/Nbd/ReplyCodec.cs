using System.Buffers.Binary;

namespace Dr.Edge.Nbd;

/// <summary>Answers to requests: simple replies, and the chunks of structured and extended ones. Every method fills exactly the bytes its size says.</summary>
internal static class ReplyCodec
{
    public const ushort ChunkDone = 1;

    public static int ChunkHeaderSize(ReplyForm form) => form == ReplyForm.Extended ? NbdProtocol.ExtendedReplySize : NbdProtocol.StructuredReplySize;

    /// <summary>Bytes in front of a READ's data.</summary>
    public static int DataHeaderSize(ReplyForm form) => form == ReplyForm.Simple ? NbdProtocol.SimpleReplySize : ChunkHeaderSize(form) + NbdProtocol.OffsetDataSize;

    /// <summary>Bytes of a BLOCK_STATUS chunk in front of its extents.</summary>
    public static int StatusHeaderSize(ReplyForm form) => ChunkHeaderSize(form) + (form == ReplyForm.Extended ? NbdProtocol.ExtendedStatusSize : NbdProtocol.ContextIdSize);

    public static int ExtentSize(ReplyForm form) => form == ReplyForm.Extended ? NbdProtocol.ExtendedExtentSize : NbdProtocol.ExtentSize;

    /// <summary>Whether a command is answered in chunks.</summary>
    public static bool InChunks(ReplyForm form, NbdCommand command) =>
        form == ReplyForm.Extended || (form == ReplyForm.Structured && command is NbdCommand.Read or NbdCommand.BlockStatus);

    /// <summary>Magic, error, cookie. For a READ without structured replies the data follow when there is no error.</summary>
    public static void WriteSimple(Span<byte> reply, ulong cookie, NbdError error)
    {
        BinaryPrimitives.WriteUInt32BigEndian(reply, NbdProtocol.SimpleReplyMagic);
        BinaryPrimitives.WriteUInt32BigEndian(reply[4..], (uint)error);
        BinaryPrimitives.WriteUInt64BigEndian(reply[8..], cookie);
    }

    /// <summary>Magic, flags, kind, cookie, with extended headers the request's offset, length of what follows.</summary>
    public static void WriteChunkHeader(Span<byte> chunk, ReplyForm form, NbdChunk kind, ulong cookie, ulong offset, int length, bool isLast = true)
    {
        BinaryPrimitives.WriteUInt16BigEndian(chunk[4..], isLast ? ChunkDone : (ushort)0);
        BinaryPrimitives.WriteUInt16BigEndian(chunk[6..], (ushort)kind);
        BinaryPrimitives.WriteUInt64BigEndian(chunk[8..], cookie);
        if (form == ReplyForm.Extended)
        {
            BinaryPrimitives.WriteUInt32BigEndian(chunk, NbdProtocol.ExtendedReplyMagic);
            BinaryPrimitives.WriteUInt64BigEndian(chunk[16..], offset);
            BinaryPrimitives.WriteUInt64BigEndian(chunk[24..], (ulong)length);
            return;
        }

        BinaryPrimitives.WriteUInt32BigEndian(chunk, NbdProtocol.StructuredReplyMagic);
        BinaryPrimitives.WriteUInt32BigEndian(chunk[16..], (uint)length);
    }

    /// <summary>What stands in front of a READ's data in any form; <paramref name="dataLength"/> bytes of data follow, never none.</summary>
    public static void WriteDataHeader(Span<byte> reply, ReplyForm form, ulong cookie, ulong offset, int dataLength)
    {
        if (form == ReplyForm.Simple)
        {
            WriteSimple(reply, cookie, NbdError.None);
            return;
        }

        WriteChunkHeader(reply, form, NbdChunk.OffsetData, cookie, offset, NbdProtocol.OffsetDataSize + dataLength);
        BinaryPrimitives.WriteUInt64BigEndian(reply[ChunkHeaderSize(form)..], offset);
    }

    /// <summary>An ERROR chunk without a message; messages are in our log, where the operator looks.</summary>
    public static void WriteErrorChunk(Span<byte> chunk, ReplyForm form, ulong cookie, ulong offset, NbdError error)
    {
        WriteChunkHeader(chunk, form, NbdChunk.Error, cookie, offset, NbdProtocol.ErrorChunkSize);
        var content = chunk[ChunkHeaderSize(form)..];
        BinaryPrimitives.WriteUInt32BigEndian(content, (uint)error);
        BinaryPrimitives.WriteUInt16BigEndian(content[4..], 0);
    }

    /// <summary>Header of a BLOCK_STATUS chunk; <paramref name="extentCount"/> extents follow, never none.</summary>
    public static void WriteStatusHeader(Span<byte> chunk, ReplyForm form, ulong cookie, ulong offset, uint contextId, int extentCount, bool isLast)
    {
        var length = StatusHeaderSize(form) - ChunkHeaderSize(form) + (extentCount * ExtentSize(form));
        WriteChunkHeader(chunk, form, form == ReplyForm.Extended ? NbdChunk.BlockStatusExtended : NbdChunk.BlockStatus, cookie, offset, length, isLast);
        var content = chunk[ChunkHeaderSize(form)..];
        BinaryPrimitives.WriteUInt32BigEndian(content, contextId);
        if (form == ReplyForm.Extended)
        {
            BinaryPrimitives.WriteUInt32BigEndian(content[4..], (uint)extentCount);
        }
    }

    /// <summary>One extent; without extended headers the length must fit 32 bits, which it does because no answer goes beyond what was asked.</summary>
    public static void WriteExtent(Span<byte> extent, ReplyForm form, long length, uint status)
    {
        if (form == ReplyForm.Extended)
        {
            BinaryPrimitives.WriteUInt64BigEndian(extent, (ulong)length);
            BinaryPrimitives.WriteUInt64BigEndian(extent[8..], status);
            return;
        }

        BinaryPrimitives.WriteUInt32BigEndian(extent, (uint)length);
        BinaryPrimitives.WriteUInt32BigEndian(extent[4..], status);
    }
}
