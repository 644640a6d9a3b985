namespace Dr.Edge.Nbd;

/// <summary>What answers and requests look like on one connection, as agreed in the handshake.</summary>
internal enum ReplyForm
{
    /// <summary>Every answer is a simple reply.</summary>
    Simple,

    /// <summary>READ and BLOCK_STATUS are answered in structured chunks, the others simply.</summary>
    Structured,

    /// <summary>Requests have 64-bit lengths, and every answer is an extended chunk with the request's offset.</summary>
    Extended,
}
