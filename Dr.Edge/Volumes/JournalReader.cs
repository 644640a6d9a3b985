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
        // Taken before looking, so that what comes after the look is not missed by WaitForMoreAsync.
        _signal = _volume.ArmAppendSignal();
        var status = Look(out var point, out _);
        item = status != JournalStatus.Item ? null : point is not null ? new JournalItem.Point(point) : ReadBatch(_current!);
        return status;
    }

    /// <summary>
    /// As <see cref="TryRead"/>, but takes all batches that come next, up to a point or the end of their layer, as they lie there. <see cref="WaitForMoreAsync"/> does not belong to it: who reads runs listens to the
    /// volume's appends before looking.
    /// </summary>
    /// <param name="headroom">Bytes that the caller wants free in front of the run, for what he puts there.</param>
    /// <param name="mostBytes">A batch longer than this comes alone.</param>
    public JournalStatus TryReadRun(int headroom, int mostBytes, out JournalRun run)
    {
        run = default;
        var status = Look(out var point, out var state);
        if (status == JournalStatus.Item)
        {
            run = point is not null ? new JournalRun(default, point, new SequenceNumber(_position)) : ReadRun(_current!, state, headroom, mostBytes);
        }

        return status;
    }

    // Item: the point, or, when that is null, a batch at the offset of the current layer.
    private JournalStatus Look(out PointInfo? point, out ManifestState state)
    {
        while (true)
        {
            (state, var layers) = _volume.Journal;
            point = FindPoint(state);
            if (point is not null)
            {
                _delivered.Add(point.Id);
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

    private JournalRun ReadRun(Layer layer, ManifestState state, int headroom, int mostBytes)
    {
        var length = (int)Math.Min(layer.Tail - _offset, mostBytes);
        Reserve(headroom + length);
        layer.File.File.ReadExactly(_buffer.AsSpan(headroom, length), _offset);
        var header = HeaderAt(layer, _buffer.AsSpan(headroom, length), _offset);
        if (header.TotalLength > length)
        {
            length = header.TotalLength;
            Reserve(headroom + length);
            layer.File.File.ReadExactly(_buffer.AsSpan(headroom, length), _offset);
        }

        var until = NextPoint(state);
        var taken = 0;
        while (true)
        {
            var batch = _buffer.AsSpan(headroom + taken, header.TotalLength);
            Verify(layer, batch, _offset + taken);
            taken += header.TotalLength;
            _position = header.LastSequence;
            if (_position == until || length - taken < BatchHeader.SizeBytes)
            {
                break;
            }

            header = HeaderAt(layer, _buffer.AsSpan(headroom + taken, length - taken), _offset + taken);
            if (header.TotalLength > length - taken)
            {
                break;
            }
        }

        _offset += taken;
        _delivered.Clear();
        return new JournalRun(_buffer.AsMemory(0, headroom + taken), null, new SequenceNumber(_position));
    }

    private void Reserve(int bytes)
    {
        if (bytes > _buffer.Length)
        {
            _buffer = new byte[bytes];
        }
    }

    private BatchHeader HeaderAt(Layer layer, ReadOnlySpan<byte> bytes, long offset) =>
        BatchHeader.TryRead(bytes, out var header) && header.FirstSequence == _position + 1
            ? header
            : throw new CorruptDataException(layer.File.File.Path, offset, $"the batch that begins with write {_position + 1}", "something else");

    private void Verify(Layer layer, ReadOnlySpan<byte> batch, long offset)
    {
        if (!BatchReader.TryVerify(batch, _volume.SizeBytes / StoreLimits.BlockBytes, out _, out var damage))
        {
            throw new CorruptDataException(layer.File.File.Path, offset, damage!, "something else");
        }
    }

    /// <summary>The sequence number of the first point behind the position; there a run ends.</summary>
    private long NextPoint(ManifestState state)
    {
        var next = long.MaxValue;
        foreach (var point in state.Points)
        {
            if (point.Sequence.Value > _position && point.Sequence.Value < next)
            {
                next = point.Sequence.Value;
            }
        }

        return next;
    }

    private JournalItem.Batch ReadBatch(Layer layer)
    {
        layer.File.File.ReadExactly(_buffer.AsSpan(0, BatchHeader.SizeBytes), _offset);
        var header = HeaderAt(layer, _buffer, _offset);
        Reserve(header.TotalLength);
        var bytes = _buffer.AsMemory(0, header.TotalLength);
        layer.File.File.ReadExactly(bytes.Span, _offset);
        Verify(layer, bytes.Span, _offset);
        _offset += header.TotalLength;
        _position = header.LastSequence;
        _delivered.Clear();
        return new JournalItem.Batch(bytes, new SequenceNumber(header.FirstSequence), new SequenceNumber(header.LastSequence), new Generation(header.Generation), header.At);
    }
}
