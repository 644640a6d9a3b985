using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Format;
using Dr.Edge.Volumes.Retention;

namespace Dr.Edge.Volumes;

/// <content>The journal out and in.</content>
internal sealed partial class Volume
{
    /// <summary>Journal from <paramref name="after"/> (exclusive) on; points that lie at <paramref name="after"/> are delivered too.</summary>
    public JournalReader ReadJournal(SequenceNumber after) => new(this, after.Value);

    /// <summary>Completes when something after <paramref name="after"/> is appended or the state changes. Points: <see cref="JournalReader.WaitForMoreAsync"/> misses none.</summary>
    public async Task WaitForAppendAsync(SequenceNumber after, CancellationToken cancellationToken)
    {
        var signal = ArmAppendSignal();

        // Looked at only now: whatever came before the signal was hung up is seen here, whatever comes later sets it.
        if (Volatile.Read(ref _appended) <= after.Value && Fault is null && !_closed)
        {
            await signal.WaitAsync(cancellationToken);
        }
    }

    internal (ManifestState State, Layer[] Layers) Journal
    {
        get
        {
            var published = _published;
            return (published.State, published.Layers);
        }
    }

    internal Task ArmAppendSignal()
    {
        var signal = _appendSignal;
        if (signal is null)
        {
            var mine = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            signal = Interlocked.CompareExchange(ref _appendSignal, mine, null) ?? mine;
        }

        return signal.Task;
    }

    /// <summary>Bytes of journal behind a position, as a copy lags; a layer that the position lies inside counts by its share.</summary>
    public long JournalBytesAfter(SequenceNumber after)
    {
        long bytes = 0;
        foreach (var layer in _published.Layers)
        {
            var end = End(layer);
            if (end > after.Value)
            {
                var share = layer.Record.After >= after.Value ? 1.0 : (double)(end - after.Value) / (end - layer.Record.After);
                bytes += (long)((layer.Tail - LayerHeader.SizeBytes) * share);
            }
        }

        return bytes;
    }

    /// <summary>
    /// Appends batches of the source's journal exactly as they are, back to back, with one system call for all of a generation. Checks every checksum, volume id, and that they follow directly on <see cref="Appended"/> in chain; a batch of
    /// another generation begins a new span here (whether that generation may follow is for the protocol to know). Not durable until <see cref="RequireFlushed"/>. Role must not be primary.
    /// </summary>
    /// <exception cref="CorruptDataException">A checksum is wrong: nothing from the first batch of that generation on was appended.</exception>
    /// <exception cref="HistoryDiffersException">It follows by its number, but not on what is here.</exception>
    /// <exception cref="DrException">It does not follow.</exception>
    public void AppendReplica(ReadOnlyMemory<byte> rawBatches)
    {
        var headers = _receivedHeaders ??= [];
        while (!rawBatches.IsEmpty)
        {
            headers.Clear();
            var length = VerifyReceived(rawBatches.Span, headers);
            AppendVerified(rawBatches[..length], headers);
            rawBatches = rawBatches[length..];
        }
    }

    [ThreadStatic]
    private static List<BatchHeader>? _receivedHeaders;

    /// <summary>Batches of one generation that follow on each other; returns their length together.</summary>
    private int VerifyReceived(ReadOnlySpan<byte> batches, List<BatchHeader> headers)
    {
        var length = 0;
        while (length < batches.Length)
        {
            var rest = batches[length..];
            if (!BatchHeader.TryRead(rest, out var header) || header.TotalLength > rest.Length)
            {
                throw new CorruptDataException($"a received batch for {Name}", length, "a batch header", "something else");
            }

            if (header.VolumeId != Id.Guid)
            {
                throw new DrException($"A batch of volume {header.VolumeId:N} was received for {Name}, which is {Id}.");
            }

            if (headers.Count > 0 && header.Generation != headers[0].Generation)
            {
                break;
            }

            if (!BatchReader.TryVerify(rest[..header.TotalLength], VolumeBlocks, out _, out var damage))
            {
                throw new CorruptDataException($"a received batch for {Name}", length, damage!, "something else");
            }

            if (header.ExtentCount == 0)
            {
                throw new DrException($"An empty batch was received for {Name}.");
            }

            if (headers.Count > 0 && (header.FirstSequence != headers[^1].LastSequence + 1 || header.PreviousChecksum != headers[^1].HeaderChecksum))
            {
                throw new DrException($"The batch after write {headers[^1].LastSequence} that was received for {Name} does not continue the one before.");
            }

            headers.Add(header);
            length += header.TotalLength;
        }

        return length;
    }

    private void AppendVerified(ReadOnlyMemory<byte> batches, List<BatchHeader> headers)
    {
        var first = headers[0];
        if (State.Generations.Count == 0 || State.Generations[^1].Generation.Guid != first.Generation)
        {
            AdoptGeneration(new Generation(first.Generation), first);
        }

        AdmitWrite(batches.Length);
        lock (_appendLock)
        {
            ThrowIfFailed();
            RequireReplica();
            RequireFollows(first, State.Generations[^1].After.Value == _appended);
            var head = _head;
            var offset = head.Tail;
            CheckWrittenLocked(head, head.File.File.TryWrite(batches.Span, offset), offset);
            var microseconds = _lastMicroseconds;
            var at = 0;
            foreach (var header in headers)
            {
                head.ApplyBatch(_map, header, batches.Span.Slice(at + BatchHeader.SizeBytes, header.DescriptorSectionLength), offset + at + header.DataOffset);
                at += header.TotalLength;
                microseconds = Math.Max(microseconds, header.TimeMicroseconds);
            }

            PublishAppendLocked(head, offset + batches.Length, headers[^1].LastSequence, microseconds, headers[^1].HeaderChecksum);
        }

        NoteCurrentAsOf(headers[^1].At);
        SignalAppend();
    }

    /// <summary>Records the source's point here, at the same position; idempotent by id. Durable on return, with everything before it.</summary>
    public void SealReplica(PointInfo point)
    {
        lock (_syncLock)
        {
            ThrowIfFailed();
            RequireReplica();
            if (State.Points.Any(p => p.Id == point.Id))
            {
                return;
            }

            MakeRoomForPointLocked();
            if (point.Sequence.Value == _appended)
            {
                SealLocked(_ => point, state => state with { Points = [.. state.Points.OrderBy(p => p.Sequence).ThenBy(p => p.Id)] });
            }
            else if (point.Sequence.Value < _appended && point.Sequence.Value >= HistoryFloor)
            {
                FlushLocked();
                CommitLocked(State with { Points = [.. State.Points.Append(point).OrderBy(p => p.Sequence).ThenBy(p => p.Id)] });
            }
            else
            {
                throw new DrException($"Point {point.Id} lies at write {point.Sequence}; this copy of {Name} is at {_appended}.");
            }
        }

        NoteCurrentAsOf(point.At);
        RaiseStateChanged();
        PostMaintenance();
    }

    /// <summary>
    /// Makes a point of what is here, for a copy whose last write turned out not to be its owner's: nothing of it is lost when it is made equal. Durable on return; nothing to do when it is there. Role must not be primary.
    /// </summary>
    public void MarkDiffering()
    {
        lock (_syncLock)
        {
            ThrowIfFailed();
            RequireReplica();
            if (DiffersFromOwner)
            {
                return;
            }

            MakeRoomForPointLocked();
            SealLocked(sequence => MakePoint(sequence, Now(), PointKinds.DiffersLabel, PointConsistency.Crash, PointKinds.DiffersReason), state => state with { Points = [.. state.Points.OrderBy(p => p.Sequence).ThenBy(p => p.Id)] });
        }

        RaiseStateChanged();
        PostMaintenance();
    }

    /// <summary>What is here ends with something that the owner's history does not have: <see cref="MarkDiffering"/> was the last that happened to it.</summary>
    public bool DiffersFromOwner => State.Points.Any(p => PointKinds.IsOfDifference(p) && p.Sequence.Value == _appended);

    /// <summary>On a replica: its positions say nothing of its owner's history before it has gone back.</summary>
    public bool Differs => Role == VolumeRole.Replica && DiffersFromOwner;

    /// <summary>On a replica: the source says that it had nothing newer than our <see cref="Appended"/> at <paramref name="at"/>. In memory.</summary>
    public void NoteCurrentAsOf(DateTimeOffset at)
    {
        if (_currentAsOf is null || at > _currentAsOf)
        {
            _currentAsOf = at;
        }
    }

    private volatile bool _mayAge;

    /// <summary>
    /// Why history must not give way here; null when it may. A replica that is behind, or does not hear from its primary, keeps all it has: the points that it shares with the primary are the way back.
    /// </summary>
    public string? AgingFrozen => Role == VolumeRole.Replica && !_mayAge ? "this copy is behind its primary or does not hear from it" : null;

    /// <summary>On a replica: whether it has what its primary has. In memory; false after every start.</summary>
    internal void SetMayAge(bool mayAge)
    {
        if (_mayAge != mayAge)
        {
            _mayAge = mayAge;
            if (mayAge)
            {
                PostMaintenance();
            }
        }
    }

    internal Space.SpaceGuard Space => _context.Space;

    private void AdoptGeneration(Generation generation, in BatchHeader header)
    {
        lock (_syncLock)
        {
            RequireReplica();
            RequireFollows(header, isFirstOfGeneration: true);
            FlushLocked();
            lock (_appendLock)
            {
                CommitLocked(State with { Generations = WithGeneration(State.Generations, generation, _appended) });
            }
        }
    }

    private void RequireFollows(in BatchHeader header, bool isFirstOfGeneration)
    {
        if (header.FirstSequence != _appended + 1)
        {
            throw new DrException($"A batch that begins with write {header.FirstSequence} does not follow on write {_appended} of {Name}.", isTransient: true);
        }

        if (_chain is { } chain && header.PreviousChecksum != chain && !(isFirstOfGeneration && header.PreviousChecksum == 0) && _appended > 0)
        {
            throw new HistoryDiffersException(
                $"The batch after write {_appended} of {Name} does not continue this copy's history: the copies differ before it.", "What is here is kept; the source compares and brings the copy to the same content by itself.");
        }
    }

    private void RequireReplica()
    {
        if (State.Role == VolumeRole.Primary)
        {
            throw new FencedException($"Volume {Name} is primary here at epoch {State.PrimaryEpoch}; it takes nothing from another copy.");
        }
    }
}
