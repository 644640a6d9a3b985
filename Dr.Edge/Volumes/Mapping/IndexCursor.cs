using Dr.Edge.Volumes.Format;

namespace Dr.Edge.Volumes.Mapping;

/// <summary>
/// Reads the index of a sealed layer once, in order, through a small buffer. Entries are handed out before the checksum over all of them is known: whoever uses them asks <see cref="IsIntact"/> at the end
/// and throws away what came of them when it says no.
/// </summary>
internal sealed class IndexCursor
{
    private readonly Layer _layer;
    private readonly long _volumeBlocks;
    private readonly byte[] _buffer;
    private readonly uint _expected;
    private readonly bool _isInFile;
    private readonly long _movedTo;
    private long _position;
    private long _left;
    private int _start;
    private int _end;
    private uint _checksum;
    private bool _broken;
    private LayerIndex.Entry _next;

    private IndexCursor(Layer layer, ManifestState state, byte[] buffer, long entries, uint expected, bool isInFile)
    {
        _layer = layer;
        _volumeBlocks = state.SizeBytes / StoreLimits.BlockBytes;
        _movedTo = layer.Start(state);
        _buffer = buffer;
        _expected = expected;
        _isInFile = isInFile;
        _position = layer.Record.LengthBytes + LayerIndex.HeaderBytes;
        _left = entries;
        _end = isInFile ? 0 : buffer.Length;
        Advance(0);
    }

    /// <summary>False when the entries come from the layer's batches.</summary>
    public bool IsInFile => _isInFile;

    public int Slot => _layer.File.Slot;

    public Layer Layer => _layer;

    /// <summary>First block of what comes next; <see cref="long.MaxValue"/> at the end.</summary>
    public long NextBlock { get; private set; }

    /// <summary>At the end: every entry was read and they are what was written.</summary>
    public bool IsIntact => !_broken && NextBlock == long.MaxValue && _left == 0 && (!_isInFile || _checksum == _expected);

    /// <summary>Null when the layer has no index, or its header is not right.</summary>
    public static IndexCursor? TryOpen(Layer layer, ManifestState state, int bufferBytes)
    {
        var file = layer.File.File;
        Span<byte> header = stackalloc byte[LayerIndex.HeaderBytes];
        if (file.Read(header, layer.Record.LengthBytes) < header.Length)
        {
            return null;
        }

        var count = LayerIndex.ReadHeader(header, layer.Record.Number, layer.Record.Last, out var checksum);
        var room = (file.Length - layer.Record.LengthBytes - LayerIndex.HeaderBytes) / LayerIndex.EntryBytes;
        if (count < 0 || count > room)
        {
            return null;
        }

        var length = (int)Math.Min(count, Math.Max(bufferBytes / LayerIndex.EntryBytes, 1)) * LayerIndex.EntryBytes;
        return new IndexCursor(layer, state, new byte[length], count, checksum, isInFile: true);
    }

    /// <summary>Over the layer's batches, for a layer whose index is missing or damaged.</summary>
    public static IndexCursor FromBatches(Layer layer, ManifestState state)
    {
        using var contents = layer.ReadContents(state);
        var entries = new MemoryStream();
        Span<byte> bytes = stackalloc byte[LayerIndex.EntryBytes];
        foreach (var entry in contents.Entries())
        {
            entry.Write(bytes);
            entries.Write(bytes);
        }

        return new IndexCursor(layer, state, entries.ToArray(), entries.Length / LayerIndex.EntryBytes, 0, isInFile: false);
    }

    /// <summary>The next entry that begins before <paramref name="end"/>; zeros that go on behind it are cut there and come again.</summary>
    public bool TryTake(long end, out LayerIndex.Entry entry)
    {
        entry = _next;
        if (NextBlock >= end)
        {
            return false;
        }

        if (entry.BlockCount > 1 && entry.FirstBlock + entry.BlockCount > end)
        {
            var taken = (uint)(end - entry.FirstBlock);
            _next = new LayerIndex.Entry(end, 0, entry.BlockCount - taken, 0);
            NextBlock = end;
            entry = entry with { BlockCount = taken };
            return true;
        }

        Advance(entry.FirstBlock + entry.BlockCount);
        return true;
    }

    /// <summary>Reads to the end without handing anything out: <see cref="IsIntact"/> then says whether a second reading can be believed.</summary>
    public bool Verify()
    {
        while (TryTake(long.MaxValue, out _))
        {
            // Each is checked as it goes by.
        }

        return IsIntact;
    }

    private void Advance(long from)
    {
        do
        {
            NextBlock = long.MaxValue;
            if (_left == 0 || (_start == _end && !Fill()))
            {
                return;
            }

            Take(ref from);
        }
        while (NextBlock != long.MaxValue && _next.FileOffset != 0 && _next.FileOffset < _movedTo);
    }

    private void Take(ref long from)
    {
        _next = LayerIndex.Entry.Read(_buffer.AsSpan(_start));
        _start += LayerIndex.EntryBytes;
        _left--;
        var isData = _next.FileOffset != 0;
        if (_next.FirstBlock < from || _next.BlockCount == 0 || _next.FirstBlock > _volumeBlocks - _next.BlockCount
            || (isData && (_next.BlockCount != 1 || _next.FileOffset < LayerHeader.SizeBytes || _next.FileOffset > _layer.Record.LengthBytes - StoreLimits.BlockBytes)))
        {
            // Not even in order or inside the volume: no need to wait for the checksum.
            _broken = true;
            return;
        }

        NextBlock = _next.FirstBlock;
        from = _next.FirstBlock + _next.BlockCount;
    }

    private bool Fill()
    {
        if (!_isInFile)
        {
            return false;
        }

        var length = (int)Math.Min(_buffer.Length, _left * LayerIndex.EntryBytes);
        if (_layer.File.File.Read(_buffer.AsSpan(0, length), _position) < length)
        {
            _broken = true;
            return false;
        }

        _checksum = Crc32C.Append(_checksum, _buffer.AsSpan(0, length));
        _position += length;
        (_start, _end) = (0, length);
        return true;
    }
}
