using Dr.Edge.Volumes.Format;

namespace Dr.Edge.Volumes.Mapping;

/// <summary>
/// What one layer says, a part at a time: from its index in the file, as long as that is what it was when it was read as a whole, and otherwise from its batches, which are then read once and kept
/// in memory in the same form. The layer's file must stay open; whether the volume still has the layer does not matter. For any number of readers.
/// </summary>
internal sealed class IndexSource
{
    /// <summary>Read at once by those who read much: 240 KiB.</summary>
    public const int ReadPieces = 160;

    /// <summary>Room for <see cref="ReadPieces"/>.</summary>
    public const int BufferBytes = ReadPieces * IndexFences.PieceBytes;

    private readonly Layer _layer;
    private readonly ManifestState _state;
    private readonly long _upTo;
    private readonly long _indexAt;
    private readonly long _start;
    private readonly Lock _lock = new(); // Guards reading the batches, so that it happens once.
    private volatile Content _content;

    private IndexSource(Layer layer, ManifestState state, long upTo, IndexFences? fences)
    {
        _layer = layer;
        _state = state;
        _upTo = upTo;
        _start = layer.Start(state);
        _indexAt = layer.Record.LengthBytes + LayerIndex.HeaderBytes;
        _content = fences is null ? FromBatches() : new Content(fences, null);
    }

    public int Slot => _layer.File.Slot;

    public long Entries => _content.Fences.Entries;

    private long VolumeBlocks => _state.SizeBytes / StoreLimits.BlockBytes;

    /// <summary>Everything a sealed layer says. Reads its index when nobody has since the volume was opened, and its batches when there is none.</summary>
    /// <exception cref="CorruptDataException">There is no index, and a batch is damaged.</exception>
    public static IndexSource Of(Layer layer, ManifestState state)
    {
        if (layer.Fences is null && !layer.Record.HasCutTail)
        {
            layer.FindIndex(state);
        }

        return new IndexSource(layer, state, long.MaxValue, layer.Fences);
    }

    /// <summary>What a layer's batches up to a position say.</summary>
    /// <exception cref="CorruptDataException">A batch is damaged.</exception>
    public static IndexSource UpTo(Layer layer, ManifestState state, long sequence) => new(layer, state, sequence, fences: null);

    /// <summary>The parts to be given to <see cref="TryRead"/> for the entries that concern these blocks.</summary>
    public (int First, int End) Find(long first, long end) => _content.Fences.Find(first, end);

    /// <summary>The entry is of no use any more: when this was made, the base had its data already, and the layer's file may have a hole there.</summary>
    public bool HasMoved(in LayerIndex.Entry entry) => !entry.IsZero && entry.FileOffset < _start;

    /// <summary>
    /// Entries as they are in the file, valid until the next call with the same buffer. False when the file no longer has what was read before: the layer's batches count from now on, and the caller begins this
    /// layer again with <see cref="Find"/>.
    /// </summary>
    /// <param name="buffer">Room for so many pieces.</param>
    /// <exception cref="CorruptDataException">The batches are damaged too.</exception>
    public bool TryRead(int piece, int endPiece, byte[] buffer, out ReadOnlyMemory<byte> entries)
    {
        var content = _content;
        var offset = content.Fences.OffsetOf(piece);
        var length = (int)(content.Fences.OffsetOf(endPiece) - offset);
        if (content.Bytes is { } bytes)
        {
            entries = bytes.AsMemory((int)offset, length);
            return true;
        }

        var part = buffer.AsSpan(0, length);
        entries = buffer.AsMemory(0, length);
        if (_layer.File.File.Read(part, _indexAt + offset) == length && content.Fences.Match(piece, part))
        {
            return true;
        }

        lock (_lock)
        {
            if (_content == content)
            {
                _layer.Fences = null;
                _content = FromBatches();
            }
        }

        return false;
    }

    private Content FromBatches()
    {
        var bytes = _layer.EntriesOfBatches(_state, _upTo);
        return new Content(IndexFences.Of(bytes, VolumeBlocks, _layer.Tail), bytes);
    }

    /// <param name="Bytes">Null: they are in the file.</param>
    private sealed record Content(IndexFences Fences, byte[]? Bytes);
}
