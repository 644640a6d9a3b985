using Dr.Edge.Volumes.Digests;
using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Format;
using Dr.Edge.Volumes.Mapping;

namespace Dr.Edge.Volumes;

/// <content>The past: views, what changed, digests, holds, and what moves into the base.</content>
internal sealed partial class Volume
{
    // Under the sync lock: files of layers that the manifest names no longer and the live map still points into.
    private readonly List<LayerFile> _leaving = [];

    // Under the sync lock.
    private readonly List<HistoryHold> _holds = [];

    /// <summary>Keeps history from <paramref name="sequence"/> on from giving way until disposed (in memory: taken again after a restart by whoever needs it).</summary>
    public IDisposable Hold(SequenceNumber sequence, string reason)
    {
        lock (_syncLock)
        {
            return HoldLocked(sequence.Value, reason, HoldKind.Journal);
        }
    }

    /// <summary>Keeps only the state at <paramref name="sequence"/>: what was written after it may be merged with what came later.</summary>
    internal IDisposable HoldPosition(SequenceNumber sequence, string reason)
    {
        lock (_syncLock)
        {
            return HoldLocked(sequence.Value, reason, HoldKind.Position);
        }
    }

    /// <summary>For a clone, which stands on the state at <paramref name="sequence"/> for as long as it exists.</summary>
    internal IDisposable HoldForClone(SequenceNumber sequence, string reason)
    {
        lock (_syncLock)
        {
            return HoldLocked(sequence.Value, reason, HoldKind.Clone);
        }
    }

    /// <summary>The oldest position that can still be opened. A layer on its way into the base has given up everything before its end.</summary>
    private long HistoryFloor => State.Merging is null ? State.BaseSequence : _published.Layers[0].Record.Last;

    private HistoryHold HoldLocked(long sequence, string reason, HoldKind kind)
    {
        if (sequence < HistoryFloor)
        {
            throw new DrException($"Volume {Name} no longer has its state after write {sequence}; its history begins at {HistoryBegins:O}.", "Choose a later point or time.");
        }

        if (_published.Layers.FirstOrDefault(layer => layer.Record.Kind == LayerKind.Compacted && layer.Record.After < sequence && sequence < layer.Record.Last) is { } compacted)
        {
            throw NoLongerOpen(compacted, $"its state after write {sequence}");
        }

        var hold = new HistoryHold(this, sequence, reason, kind, _context.Time.GetUtcNow());
        _holds.Add(hold);
        return hold;
    }

    /// <summary>Between the ends of a compacted layer nothing can be opened any more.</summary>
    private DrException NoLongerOpen(Layer compacted, string what)
    {
        var before = State.Points.LastOrDefault(point => point.Sequence.Value <= compacted.Record.After);
        var after = State.Points.FirstOrDefault(point => point.Sequence.Value >= compacted.Record.Last);
        return new DrException(
            $"Volume {Name} no longer has {what}: it lies before the fine window ({RetentionText.Span(Policy.FineWindow)}), where only points are kept.",
            (before, after) switch
            {
                ({ } b, { } a) => $"The nearest points are {b.Id} of {b.At:O} and {a.Id} of {a.At:O}.",
                ({ } b, null) => $"The nearest point is {b.Id} of {b.At:O}.",
                (null, { } a) => $"The nearest point is {a.Id} of {a.At:O}.",
                _ => "Choose a later time.",
            });
    }

    public VolumeView OpenView(PointId point)
    {
        var info = GetPoint(point);
        return OpenView(info.Sequence.Value, info.At, $"a view of point {point} is open", SizeAt(info));
    }

    public VolumeView OpenView(DateTimeOffset at)
    {
        var begins = HistoryBegins;
        if (at < begins)
        {
            throw new DrException($"The history of {Name} begins at {begins:O}; {at:O} is earlier.", "Choose a later point or time.");
        }

        if (at > _context.Time.GetUtcNow())
        {
            throw new DrException($"{at:O} is in the future.", "Choose a time inside the history.");
        }

        return OpenView(ResolveTime(at), at, $"a view of {at:O} is open");
    }

    /// <summary>The volume as it is now.</summary>
    public VolumeView OpenNow() => OpenView(null, Now(), "a view of the present is open");

    /// <summary>Blocks that may differ between two points, in ascending order; <paramref name="from"/> null = everything that is not a hole at <paramref name="to"/>.</summary>
    public IReadOnlyList<BlockRange> ChangedBlocks(PointId? from, PointId to)
    {
        ThrowIfUnreadable();
        var target = GetPoint(to);
        var changed = new ChangeBitmap(VolumeBlocks);
        if (from is not { } first)
        {
            using var view = OpenView(to);
            for (var block = view.Map.Find(0, VolumeBlocks, content: true); block < VolumeBlocks;)
            {
                var end = view.Map.Find(block, VolumeBlocks, content: false);
                changed.Set(block, end - block);
                block = view.Map.Find(end, VolumeBlocks, content: true);
            }

            return changed.ToRanges();
        }

        var start = GetPoint(first).Sequence.Value;
        var (state, layers, hold) = Capture(start, "changes are being listed");
        using (hold)
        {
            try
            {
                foreach (var layer in layers.Where(layer => End(layer) > start && layer.Record.After < target.Sequence.Value))
                {
                    AddChanges(changed, layer, state, start, target.Sequence.Value);
                }
            }
            finally
            {
                Release(layers);
            }
        }

        return changed.ToRanges();
    }

    /// <summary>Says that two copies hold the same at a point: 32 bytes, equal if and only if the content (or its checksums) is.</summary>
    public byte[] ContentDigest(PointId point, DigestKind kind = DigestKind.Content)
    {
        using var view = OpenView(point);
        return view.Digest(kind);
    }

    /// <param name="sequence">Null: what is appended now.</param>
    /// <param name="sizeBytes">Null: what it had then.</param>
    internal VolumeView OpenView(long? sequence, DateTimeOffset at, string reason, long? sizeBytes = null)
    {
        if (!_pastReadable)
        {
            ThrowIfUnreadable();
        }

        IDisposable? hold = null;
        BlockMap? map = null;
        var files = new List<LayerFile>();
        try
        {
            lock (_syncLock)
            {
                if (sequence is null)
                {
                    lock (_appendLock)
                    {
                        // Position and map are of one instant.
                        sequence = _appended;
                        sizeBytes = SizeBytes;
                        map = _map.Snapshot();
                    }

                    TakeFilesLocked(files);
                }

                hold = HoldLocked(sequence.Value, reason, HoldKind.Position);
            }

            map ??= BuildMap(sequence.Value, files);
            return new VolumeView(this, map, _context.Layers, files, hold, new SequenceNumber(sequence.Value), at, sizeBytes ?? SizeAt(sequence.Value, at));
        }
        catch
        {
            map?.Dispose();
            hold?.Dispose();
            files.ForEach(file => file.Release());
            throw;
        }
    }

    /// <summary>
    /// The map of the volume at a position, the caller's own. The caller holds the history; <paramref name="files"/> gets what the map points into or is made of. The present and recent points share the
    /// live map's memory; any other is made where it is looked at.
    /// </summary>
    /// <param name="becomesLive">Nothing of it is left to be made later.</param>
    internal BlockMap BuildMap(long sequence, List<LayerFile> files, bool becomesLive = false)
    {
        ManifestState state;
        Layer[] layers;
        lock (_syncLock)
        {
            ObjectDisposedException.ThrowIf(_closed, this);
            if (TakeReadyMapLocked(sequence) is { } ready)
            {
                ready.Grow(VolumeBlocks); // It may be of before the volume grew.
                TakeFilesLocked(files);
                return ready;
            }

            state = State;
            layers = [.. _published.Layers.Where(layer => layer.Record.After < sequence)];
            files.AddRange(layers.Select(layer => layer.File.AddUser()));
            TakeBaseLocked(files);
        }

        return LayOver(sequence, state, layers, files, becomesLive);
    }

    private BlockMap LayOver(long sequence, ManifestState state, Layer[] layers, List<LayerFile> files, bool becomesLive)
    {
        var blocks = state.SizeBytes / StoreLimits.BlockBytes;
        Layer[] whole = [.. layers.Where(layer => IsWhole(layer, sequence))];
        IndexSource[] sources = [.. MapBuilder.Read(whole, state), .. layers.Except(whole).Select(layer => Cut(layer, state, sequence))];
        var under = Inherited(files);
        if (!becomesLive)
        {
            return new BlockMap(new PastMap(blocks, sources, under, _base, _context.Past));
        }

        var map = under ?? new BlockMap(blocks, _base);
        try
        {
            map.Grow(blocks);
            MapBuilder.Apply(map, sources);
            return map;
        }
        catch
        {
            map.Dispose();
            throw;
        }
    }

    private static bool IsWhole(Layer layer, long sequence) => layer.Record.Sealed && layer.Record.Last <= sequence;

    private static IndexSource Cut(Layer layer, ManifestState state, long sequence)
    {
        Invariant.Require(layer.Record.Kind != LayerKind.Compacted, "a position inside a layer that has only one was to be opened");
        return IndexSource.UpTo(layer, state, sequence);
    }

    /// <summary>Of the present, or of a recent point; null for any other position.</summary>
    private BlockMap? TakeReadyMapLocked(long sequence)
    {
        lock (_appendLock)
        {
            if (_appended == sequence)
            {
                return _map.Snapshot();
            }
        }

        return _recentMaps.TryTake(sequence);
    }

    /// <summary>What a map made now may point into; the caller gives each back.</summary>
    private void TakeFilesLocked(List<LayerFile> files)
    {
        files.AddRange(_published.Layers.Select(layer => layer.File.AddUser()));
        files.AddRange(_leaving.Select(file => file.AddUser()));
        TakeBaseLocked(files);
    }

    /// <summary>What lies under the volume's own layers.</summary>
    private void TakeBaseLocked(List<LayerFile> files)
    {
        files.Add(_base.Image.AddUser());
        files.Add(_base.Checksums.AddUser());
        files.AddRange(_originFiles.Select(file => file.AddUser()));
    }

    /// <summary>State and layers as of now, each layer with a user more, and the history held.</summary>
    private (ManifestState State, Layer[] Layers, IDisposable Hold) Capture(long? sequence, string reason)
    {
        lock (_syncLock)
        {
            ObjectDisposedException.ThrowIf(_closed, this);
            var hold = HoldLocked(sequence ?? HistoryFloor, reason, HoldKind.Brief);
            var layers = _published.Layers;
            foreach (var layer in layers)
            {
                layer.File.AddUser();
            }

            return (State, layers, hold);
        }
    }

    private static void Release(Layer[] layers)
    {
        foreach (var layer in layers)
        {
            layer.File.Release();
        }
    }

    private long End(Layer layer) => layer.Record.Sealed ? layer.Record.Last : Volatile.Read(ref _appended);

    private long ResolveTime(DateTimeOffset at)
    {
        var (state, layers, hold) = Capture(null, "a time is being looked up");
        using (hold)
        {
            try
            {
                var sequence = state.BaseSequence;
                foreach (var layer in layers)
                {
                    if (layer.Record.Sealed && layer.Record.LastAt <= at)
                    {
                        sequence = layer.Record.Last;
                        continue;
                    }

                    if (layer.Record.Kind == LayerKind.Compacted)
                    {
                        throw NoLongerOpen(layer, $"its state of {at:O}");
                    }

                    if (layer.Record.Kind == LayerKind.Log)
                    {
                        var scanner = layer.Scan(state);
                        while (scanner.TryNext() && scanner.Header.At <= at)
                        {
                            sequence = scanner.Header.LastSequence;
                        }
                    }

                    return sequence;
                }

                return sequence;
            }
            finally
            {
                Release(layers);
            }
        }
    }

    private static void AddChanges(ChangeBitmap changed, Layer layer, ManifestState state, long after, long upTo)
    {
        if (layer.Record.Sealed && layer.Record.After >= after && layer.Record.Last <= upTo)
        {
            foreach (var entry in layer.ReadEntries(state))
            {
                changed.Set(entry.FirstBlock, entry.BlockCount);
            }

            return;
        }

        var scanner = layer.Scan(state);
        while (scanner.TryNext() && scanner.Header.FirstSequence <= upTo)
        {
            for (var i = 0; i < scanner.Header.ExtentCount && scanner.Header.LastSequence > after; i++)
            {
                var extent = BatchReader.Descriptor(scanner.Section, i);
                changed.Set(extent.FirstBlock, extent.BlockCount);
            }
        }
    }

    private enum HoldKind
    {
        /// <summary>Only while something is being read: no reason to refuse anything, and none to look for expired layers afterwards.</summary>
        Brief,

        /// <summary>The state at the position.</summary>
        Position,

        /// <summary>The state at the position, on which a clone stands.</summary>
        Clone,

        /// <summary>The state at the position and every write after it.</summary>
        Journal,
    }

    private sealed class HistoryHold(Volume volume, long sequence, string reason, HoldKind kind, DateTimeOffset since) : IDisposable
    {
        public HoldKind Kind { get; private set; } = kind;

        public bool IsBrief => Kind == HoldKind.Brief;

        public DateTimeOffset Since { get; } = since;

        public long Sequence { get; private set; } = sequence;

        public string Reason { get; } = reason;

        /// <summary>Its position is one of a history that was replaced: whoever has it reads files that it keeps open, and the base, which stays as it is as long as the hold is there.</summary>
        public void Pin()
        {
            lock (volume._syncLock)
            {
                (Sequence, Kind) = (0, Kind == HoldKind.Clone ? HoldKind.Position : Kind);
            }
        }

        public void Dispose()
        {
            bool removed;
            lock (volume._syncLock)
            {
                removed = volume._holds.Remove(this);
            }

            if (removed && !IsBrief && !volume._closed)
            {
                volume.PostMaintenance();
            }
        }
    }
}
