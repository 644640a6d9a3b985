using Dr.Edge.Volumes.Format;

namespace Dr.Edge.Volumes;

/// <summary>
/// Reads a volume's journal in order from a position. One user at a time. Holds nothing: when history gives way under it, it answers
/// <see cref="JournalStatus.Gone"/>. Points with exactly the start's sequence number are delivered too (the receiver's seal is idempotent).
/// </summary>
internal sealed class JournalReader : IDisposable
{
    private readonly Volume _volume;
    private readonly HashSet<PointId> _delivered = [];
    private byte[] _buffer = new byte[64 * 1024];
    private long _position;
    private Layer? _current;
    private long _offset;
    private Task _signal = Task.CompletedTask;

    internal JournalReader(Volume volume, long after)
    {
        _volume = volume;
        _position = after;
    }

    /// <summary>Last sequence number delivered.</summary>
    public SequenceNumber Position => new(_position);

    public JournalStatus TryRead(out JournalItem? item)
    {
        item = null;
        while (true)
        {
            // Taken before looking, so that what comes after the look is not missed by WaitForMoreAsync.
            _signal = _volume.ArmAppendSignal();
            var (state, layers) = _volume.Journal;
            if (FindPoint(state) is { } point)
            {
                _delivered.Add(point.Id);
                item = new JournalItem.Point(point);
                return JournalStatus.Item;
            }

            var index = _current is null ? -1 : Array.IndexOf(layers, _current);
            if (index < 0)
            {
                Leave();
                if (!TryFindStart(state, layers, out index))
                {
                    return JournalStatus.Gone;
                }
            }

            if (_offset < _current!.Tail)
            {
                item = ReadBatch(_current);
                return JournalStatus.Item;
            }

            if (index == layers.Length - 1)
            {
                return JournalStatus.AtEnd;
            }

            Leave();
        }
    }

    /// <summary>After <see cref="JournalStatus.AtEnd"/>: completes when there may be more (a batch, a point, a change of state).</summary>
    public Task WaitForMoreAsync(CancellationToken cancellationToken) => _signal.WaitAsync(cancellationToken);

    public void Dispose()
    {
        Leave();
        _buffer = [];
    }

    private void Leave()
    {
        _current?.File.Release();
        _current = null;
    }

    private bool TryEnter(Layer layer, long offset)
    {
        if (!layer.File.TryAddUser())
        {
            return false;
        }

        _current = layer;
        _offset = offset;
        return true;
    }

    private PointInfo? FindPoint(ManifestState state)
    {
        foreach (var point in state.Points)
        {
            if (point.Sequence.Value == _position && !_delivered.Contains(point.Id))
            {
                return point;
            }
        }

        return null;
    }

    private bool TryFindStart(ManifestState state, Layer[] layers, out int index)
    {
        for (index = layers.Length - 1; index >= 0; index--)
        {
            var layer = layers[index];
            if (layer.Record.After > _position)
            {
                continue;
            }

            if (layer.Record.After == _position)
            {
                return layer.Record.Kind == LayerKind.Log && TryEnter(layer, LayerHeader.SizeBytes);
            }

            return layer.Record.Kind == LayerKind.Log && TryEnter(layer, LayerHeader.SizeBytes) && TrySkipTo(state, layer);
        }

        return false;
    }

    private bool TrySkipTo(ManifestState state, Layer layer)
    {
        var scanner = layer.Scan(state);
        while (scanner.TryNext())
        {
            if (scanner.Header.LastSequence == _position)
            {
                _offset = scanner.NextOffset;
                return true;
            }
        }

        Leave();
        return false;
    }

    private JournalItem.Batch ReadBatch(Layer layer)
    {
        layer.File.File.ReadExactly(_buffer.AsSpan(0, BatchHeader.SizeBytes), _offset);
        if (!BatchHeader.TryRead(_buffer, out var header) || header.FirstSequence != _position + 1)
        {
            throw new CorruptDataException(layer.File.File.Path, _offset, $"the batch that begins with write {_position + 1}", "something else");
        }

        if (header.TotalLength > _buffer.Length)
        {
            _buffer = new byte[header.TotalLength];
        }

        var bytes = _buffer.AsMemory(0, header.TotalLength);
        layer.File.File.ReadExactly(bytes.Span, _offset);
        if (!BatchReader.TryVerify(bytes.Span, _volume.SizeBytes / StoreLimits.BlockBytes, out header, out var damage))
        {
            throw new CorruptDataException(layer.File.File.Path, _offset, damage!, "something else");
        }

        _offset += header.TotalLength;
        _position = header.LastSequence;
        _delivered.Clear();
        return new JournalItem.Batch(bytes, new SequenceNumber(header.FirstSequence), new SequenceNumber(header.LastSequence), new Generation(header.Generation), header.At);
    }
}
