namespace Dr.Edge.Nbd.Contexts;

/// <summary>
/// What a client is told of the contexts that it selected: reads what a BLOCK_STATUS asks, has each wanted context look it up, and writes its chunk, the last of them marked. One request at a time, on the
/// connection's thread; nothing is allocated per request. The contexts themselves belong to the negotiation, which disposes them.
/// </summary>
internal sealed class StatusAnswer(IReadOnlyList<MetaContext> contexts, ReplyForm form)
{
    private readonly List<StatusRun> _runs = [];
    private NbdRequest _request;
    private StatusFilter _asked;
    private int _index;

    /// <summary>Whether the client selected any.</summary>
    public bool HasContexts => contexts.Count > 0;

    /// <summary>Size of the chunk after <see cref="TryLookUpNext"/>.</summary>
    public int ChunkBytes => ReplyCodec.StatusHeaderSize(form) + (_runs.Count * ReplyCodec.ExtentSize(form));

    private uint ContextId => contexts[_index].Id;

    /// <summary>What a payload asks; null when it names a context that was not selected, or one twice, or nothing inside the export.</summary>
    /// <param name="offset">Of the request.</param>
    /// <param name="sizeBytes">Of the export.</param>
    public StatusFilter? ReadFilter(ReadOnlySpan<byte> payload, ulong offset, ulong sizeBytes) =>
        StatusFilter.Read(payload, contexts.Count) is { Length: > 0 } asked && offset <= sizeBytes && asked.Length <= sizeBytes - offset ? asked : null;

    public void Begin(in NbdRequest request, in StatusFilter asked) => (_request, _asked, _index) = (request, asked, -1);

    /// <summary>Has the next wanted context look up what it knows; false when all have answered. Throws what the device throws.</summary>
    public bool TryLookUpNext()
    {
        do
        {
            if (++_index == contexts.Count)
            {
                return false;
            }
        }
        while (!_asked.Has(ContextId));

        _runs.Clear();
        var maxRuns = (_request.Flags & NbdCommandFlags.RequestOne) != NbdCommandFlags.None ? 1 : NbdLimits.MaxStatusExtents;
        contexts[_index].Source.GetStatus((long)_request.Offset, (long)_asked.Length, maxRuns, _runs);
        Invariant.Require(_runs.Count > 0, "a context knew nothing about a range inside its device");
        return true;
    }

    /// <param name="chunk">Of <see cref="ChunkBytes"/>.</param>
    public void WriteChunk(Span<byte> chunk)
    {
        ReplyCodec.WriteStatusHeader(chunk, form, _request.Cookie, _request.Offset, ContextId, _runs.Count, isLast: _asked.IsLast(ContextId, contexts.Count));
        var extents = chunk[ReplyCodec.StatusHeaderSize(form)..];
        foreach (var run in _runs)
        {
            ReplyCodec.WriteExtent(extents, form, run.Length, run.Status);
            extents = extents[ReplyCodec.ExtentSize(form)..];
        }
    }
}
