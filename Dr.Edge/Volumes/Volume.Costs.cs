using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Format;
using Dr.Edge.Volumes.Mapping;
using Dr.Edge.Volumes.Space;

namespace Dr.Edge.Volumes;

/// <content>What it costs on disk.</content>
internal sealed partial class Volume
{
    private readonly SpaceCache _spaceCache = new();
    private long _appendedBytes;

    /// <summary>Bytes appended to the log since the volume was opened.</summary>
    internal long AppendedBytes => Volatile.Read(ref _appendedBytes);

    /// <summary>Counts what the volume costs. Reads the indexes of layers that are new since the last time; nothing is locked meanwhile.</summary>
    internal VolumeSpace MeasureSpace(CancellationToken cancellationToken)
    {
        var (state, layers, hold) = Capture(null, "its space is being counted");
        using (hold)
        {
            try
            {
                return MeasureSpace(state, layers, cancellationToken);
            }
            finally
            {
                Release(layers);
            }
        }
    }

    private VolumeSpace MeasureSpace(ManifestState state, Layer[] layers, CancellationToken cancellationToken)
    {
        var spaces = new List<LayerSpace>(layers.Length);
        for (var i = 0; i < layers.Length; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            spaces.Add(Measure(layers[i], i + 1 < layers.Length ? layers[i + 1] : null, state));
        }

        _spaceCache.Keep(layers.Select(layer => layer.Record.Number).ToHashSet());
        var holds = KeptPositions();
        var layerBytes = spaces.Sum(layer => layer.AllocatedBytes);
        var baseBytes = AllocatedOf(Path.Combine(DirectoryPath, "base.img")) + AllocatedOf(Path.Combine(DirectoryPath, "base.crc"));
        var needed = state.Points.Select(point => point.Sequence.Value).Concat(holds.Keys).ToHashSet();
        var yesterday = _context.Time.GetUtcNow() - TimeSpan.FromDays(1);
        var own = state.Points.Select(point => CostOf(point, state, layers, spaces, holds)).ToList();
        return new VolumeSpace
        {
            AllocatedBytes = Directory.EnumerateFiles(DirectoryPath, "*", SearchOption.AllDirectories).Sum(AllocatedOf),
            BaseBytes = baseBytes,
            LayerBytes = layerBytes,
            HeadBytes = spaces[^1].AllocatedBytes,
            SharedBytes = Origin is null ? 0 : Math.Max(0, (MappedBlocks * StoreLimits.BlockBytes) - layerBytes - baseBytes),
            HeldBytes = Origin is { } origin && _originParent is { } parent ? parent.CostOfPosition(origin.Sequence.Value) : 0,
            WaitingBytes = layers.Select((layer, i) => layer.Record.Sealed && !needed.Contains(layer.Record.Last) ? spaces[i].SupersededBytes ?? 0 : 0).Sum(),
            ChangedLastDayBytes = StoreLimits.BlockBytes
                * ChangedIn([.. layers.Where(l => l.Record.Sealed && l.Record.LastAt >= yesterday && l.IsIndexed)], state),
            Layers = spaces,
            Points = own,
        };
    }

    /// <summary>What only a hold at this position keeps (a clone's origin); 0 when a point or another hold is there too, or where it is not known.</summary>
    private long CostOfPosition(long sequence)
    {
        if (State.Points.Any(point => point.Sequence.Value == sequence) || (KeptPositions().TryGetValue(sequence, out var reasons) && reasons.Count > 1))
        {
            return 0;
        }

        var (state, layers, hold) = Capture(null, "its space is being counted");
        using (hold)
        {
            try
            {
                var index = Array.FindIndex(layers, layer => layer.Record.Sealed && layer.Record.Last == sequence);
                return index < 0 ? 0 : Measure(layers[index], layers[index + 1], state).SupersededBytes ?? 0;
            }
            finally
            {
                Release(layers);
            }
        }
    }

    /// <summary>Positions that something keeps open for long, with what does.</summary>
    private Dictionary<long, List<string>> KeptPositions() =>
        Holders.GroupBy(holder => holder.Sequence.Value).ToDictionary(group => group.Key, group => group.Select(holder => holder.Reason).ToList());

    private PointSpace CostOf(PointInfo point, ManifestState state, Layer[] layers, List<LayerSpace> spaces, Dictionary<long, List<string>> holds)
    {
        var sequence = point.Sequence.Value;
        var heldBy = holds.TryGetValue(sequence, out var reasons) ? reasons[0] : null;
        if (heldBy is not null || state.Points.Count(other => other.Sequence.Value == sequence) > 1)
        {
            // Another point or a hold shows the same: this one going frees nothing.
            return new PointSpace(point.Id, 0, null, heldBy);
        }

        var index = Array.FindIndex(layers, layer => layer.Record.Sealed && layer.Record.Last == sequence);
        if (index >= 0)
        {
            return new PointSpace(point.Id, spaces[index].SupersededBytes, spaces[index].ChangedBytes - spaces[index].SupersededBytes, null);
        }

        // The oldest point lies at the base's own position: what the first layer changes is kept in the base for it alone.
        return new PointSpace(point.Id, sequence == state.BaseSequence && layers[0].Record.Sealed && layers[0].IsIndexed ? BaseSuperseded(layers[0], state) : null, null, null);
    }

    private LayerSpace Measure(Layer layer, Layer? next, ManifestState state)
    {
        var allocated = AllocatedOf(layer.File.File.Path);
        var record = layer.Record;
        if (!record.Sealed || !layer.IsIndexed)
        {
            return new LayerSpace(record.Number, next is null, record.Sealed ? record.LastAt : null, allocated, layer.Tail - LayerHeader.SizeBytes, null, null);
        }

        var data = StoreLimits.BlockBytes * _spaceCache.DataOf(record.Number, () => BlockRuns.Count(DataOf(layer, state)));
        long? superseded = null;
        if (next is { Record.Sealed: false })
        {
            superseded = StoreLimits.BlockBytes * SupersededNow(layer, state);
        }
        else if (next is { IsIndexed: true })
        {
            superseded = StoreLimits.BlockBytes * _spaceCache.Superseded(record.Number, next.Record.Number, () => BlockRuns.CountCommon(DataOf(layer, state), Changes(next, state)));
        }

        return new LayerSpace(record.Number, false, record.LastAt, allocated, layer.Tail - LayerHeader.SizeBytes, data, superseded);
    }

    /// <summary>Blocks of the base that the first layer changes.</summary>
    private long BaseSuperseded(Layer first, ManifestState state)
    {
        long common = 0;
        foreach (var run in Changes(first, state))
        {
            var end = run.First + run.Count;
            for (var block = _base.Present.Find(run.First, end, present: true); block < end;)
            {
                var gap = _base.Present.Find(block, end, present: false);
                common += gap - block;
                block = _base.Present.Find(gap, end, present: true);
            }
        }

        return common * StoreLimits.BlockBytes;
    }

    /// <summary>Different blocks that these layers changed; counted again only when they are others.</summary>
    private long ChangedIn(IReadOnlyList<Layer> layers, ManifestState state) => layers.Count == 0
        ? 0
        : _spaceCache.ChangedOver((layers[0].Record.Number, layers[^1].Record.Number, layers.Count), () => BlockRuns.Count(BlockRuns.Union([.. layers.Select(layer => Changes(layer, state))])));

    /// <summary>Data blocks of the newest sealed layer that the head has changed again.</summary>
    private long SupersededNow(Layer layer, ManifestState state)
    {
        long superseded = 0;
        foreach (var entry in layer.ReadEntries(state))
        {
            superseded += !entry.IsZero && _map.Get(entry.FirstBlock, out _) != new BlockLocation(layer.File.Slot, entry.FileOffset) ? 1 : 0;
        }

        return superseded;
    }

    private static IEnumerable<BlockRange> DataOf(Layer layer, ManifestState state) =>
        layer.ReadEntries(state).Where(entry => !entry.IsZero).Select(entry => new BlockRange(entry.FirstBlock, entry.BlockCount));

    private static IEnumerable<BlockRange> Changes(Layer layer, ManifestState state) =>
        layer.ReadEntries(state).Select(entry => new BlockRange(entry.FirstBlock, entry.BlockCount));

    /// <summary>0 for a file that has gone meanwhile.</summary>
    private static long AllocatedOf(string path) => Posix.Allocated(path, out var bytes, out _) == 0 ? bytes : 0;
}
