using Dr.Edge.Volumes.Compacting;
using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Format;
using Dr.Edge.Volumes.Mapping;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Volumes;

/// <content>Sealed layers between which nobody needs a position any more become one with only the last versions.</content>
internal sealed partial class Volume
{
    private const int MoveEntries = 512;

    // One at a time; held for as long as it takes, before every other lock. Guards the groups that were looked at and are not worth it, by their ends.
    private readonly Lock _compactLock = new();
    private readonly HashSet<(long First, long Last)> _notWorth = [];

    /// <summary>Compacts what may be and is worth it; returns how many groups. In the background: reads and writes wait for their turn behind clients.</summary>
    internal int Compact()
    {
        lock (_compactLock)
        {
            return Compact(Pace);
        }
    }

    private int Compact(Action<long> pace)
    {
        var done = 0;
        var notNow = new HashSet<(long First, long Last)>(); // With the room there is.
        while (TakeGroup(notNow) is { } group)
        {
            var (state, layers) = group;
            var ends = EndsOf(layers);
            try
            {
                var room = RoomForMerging;
                var (first, count, entries) = Part(state, layers, room);
                if (count == 0)
                {
                    notNow.Add(ends);
                    continue;
                }

                if (count < layers.Length)
                {
                    Layer[] others = [.. layers[..first], .. layers[(first + count)..]];
                    layers = layers[first..(first + count)];
                    Release(others);
                }

                if (!CompactionPlan.IsWorth(layers.Sum(BytesOf), LeftBytes(entries), layers.Length, state.Layers.Count, isShort: room < long.MaxValue))
                {
                    (room < long.MaxValue ? notNow : _notWorth).Add(ends);
                    continue;
                }

                if (!Rewrite(state, layers, entries, pace))
                {
                    return done;
                }

                done++;
            }
            finally
            {
                Release(layers);
            }
        }

        return done;
    }

    /// <summary>
    /// A merge has its own copy before it frees anything. While the disk is short that must fit beside half of the reserve, which is kept for records and for what moves into the base.
    /// </summary>
    private long RoomForMerging => _context.Space.IsShort ? Math.Max(0, _context.Space.Refresh().AvailableBytes - _context.Space.Limits.PointsStopBytes) : long.MaxValue;

    /// <summary>The first of the group's longest runs of layers whose last versions fit into <paramref name="room"/>; none = count 0.</summary>
    private static (int First, int Count, List<MergedEntry> Entries) Part(ManifestState state, Layer[] layers, long room)
    {
        if (room == long.MaxValue)
        {
            return (0, layers.Length, Merge(state, layers));
        }

        var best = (First: 0, Count: 0, Entries: new List<MergedEntry>());
        for (var first = 0; first < layers.Length; first += Math.Max(1, best.Count))
        {
            List<MergedEntry> entries = [];
            for (var count = 1; first + count <= layers.Length; count++)
            {
                entries = Add(entries, state, layers[first + count - 1], count - 1);
                if (LeftBytes(entries) > room)
                {
                    break;
                }

                if (count > best.Count && (count > 1 || layers[first].Record.Kind != LayerKind.Compacted))
                {
                    best = (first, count, entries);
                }
            }

            if (best.Count > 1)
            {
                break;
            }
        }

        return best;
    }

    private static (long First, long Last) EndsOf(Layer[] layers) => (layers[0].Record.Number, layers[^1].Record.Number);

    private static long LeftBytes(List<MergedEntry> entries) => (long)entries.Count(entry => !entry.IsZero) * (StoreLimits.BlockBytes + BatchHeader.DescriptorBytes);

    private static long BytesOf(Layer layer) => layer.Record.LengthBytes - LayerHeader.SizeBytes;

    /// <summary>The next group, each of its files with one user more; null when there is none.</summary>
    private (ManifestState State, Layer[] Layers)? TakeGroup(HashSet<(long First, long Last)> notNow)
    {
        lock (_syncLock)
        {
            if (_closed || Fault is not null)
            {
                return null;
            }

            foreach (var (first, count) in GroupsLocked(users: 1))
            {
                var layers = _published.Layers[first..(first + count)];
                if (!_notWorth.Contains(EndsOf(layers)) && !notNow.Contains(EndsOf(layers)))
                {
                    Array.ForEach(layers, layer => layer.File.AddUser());
                    return (State, layers);
                }
            }

            return null;
        }
    }

    /// <param name="users">How many users a file has that nobody else reads: the volume, and while it is being rewritten the compaction itself.</param>
    private IReadOnlyList<(int First, int Count)> GroupsLocked(int users)
    {
        // A demoted copy must first find where it and the others agree (a replica that is behind too), a restore reads back and forth, and what moves into the base is on its way already.
        if (State.Role == VolumeRole.Demoted || AgingFrozen is not null || State.Restoring is not null || State.Merging is not null)
        {
            return [];
        }

        var needed = State.Points.Select(point => point.Sequence.Value).Concat(_holds.Select(hold => hold.Sequence)).ToHashSet();
        var journal = _holds.Where(hold => hold.Kind == HoldKind.Journal).Select(hold => hold.Sequence).DefaultIfEmpty(long.MaxValue).Min();
        var layers = _published.Layers.Select(layer => new CompactionLayer(
            layer.Record.After,
            layer.Record.Last,
            GivesWayNow || layer.Record.GivenUp is true ? DateTimeOffset.MinValue : layer.Record.LastAt,
            BytesOf(layer),
            layer.Record is { Sealed: true, HasCutTail: false } && layer != _head && layer.File.Users <= users,
            layer.Record.Kind != LayerKind.Compacted)).ToList();
        return CompactionPlan.Groups(layers, needed, _context.Time.GetUtcNow() - Policy.FineWindow, journal);
    }

    private static List<MergedEntry> Merge(ManifestState state, Layer[] layers)
    {
        List<MergedEntry> entries = [];
        for (var i = 0; i < layers.Length; i++)
        {
            entries = Add(entries, state, layers[i], i);
        }

        return entries;
    }

    private static List<MergedEntry> Add(List<MergedEntry> entries, ManifestState state, Layer layer, int index) =>
        MergedEntry.Over(entries, layer.ReadEntries(state).Select(e => new MergedEntry(e.FirstBlock, e.BlockCount, e.FileOffset, e.Checksum, index)));

    /// <summary>False when the group is no longer free to be replaced; nothing has changed then.</summary>
    private bool Rewrite(ManifestState state, Layer[] layers, List<MergedEntry> entries, Action<long> pace)
    {
        long number;
        lock (_syncLock)
        {
            ThrowIfFailed();
            number = TakeLayerNumberLocked();
        }

        var file = _context.Layers.Add(CreateLayer(DirectoryPath, new LayerHeader(Id.Guid, number, layers[0].Record.After, layers[^1].Record.Last), _context.Faults));
        var isUsed = false;
        try
        {
            var offsets = new long[entries.Count];
            var compacted = Write(state, layers, entries, offsets, number, file, pace);
            isUsed = Replace(layers, compacted, entries, offsets);
            return isUsed;
        }
        finally
        {
            if (!isUsed)
            {
                file.Release();
                DurableDirectory.Remove(file.File.Path, _context.Faults);
            }
        }
    }

    private Layer Write(ManifestState state, Layer[] layers, List<MergedEntry> entries, long[] offsets, long number, LayerFile file, Action<long> pace)
    {
        var last = layers[^1].Record;
        using var writer = new CompactedWriter(file.File, Id, last.LastAt, pace);
        var index = 0;
        writer.Write(entries, layers, (_, offset) => offsets[index++] = offset);
        var record = new LayerRecord { Number = number, After = layers[0].Record.After, Kind = LayerKind.Compacted, Sealed = true, Last = last.Last, LengthBytes = writer.Tail, LastAt = last.LastAt, GivenUp = layers.All(layer => layer.Record.GivenUp is true) ? true : null };
        var compacted = new Layer(record, file, writer.Tail);
        compacted.WriteIndex(state);
        file.File.SyncData();
        DurableDirectory.Sync(Path.Combine(DirectoryPath, "layers"), _context.Faults);
        StoreFaults.Pass(CrashPoints.CompactWritten);
        return compacted;
    }

    /// <summary>One record puts the new layer in the place of the old ones; then the live map follows, a slice at a time so that writers come in between; then the old files go.</summary>
    private bool Replace(Layer[] layers, Layer compacted, List<MergedEntry> entries, long[] offsets)
    {
        lock (_mergeLock)
        {
            lock (_syncLock)
            {
                var first = Array.IndexOf(_published.Layers, layers[0]);
                if (_closed || Fault is not null || first < 0 || !_published.Layers.AsSpan(first).StartsWith(layers) || !GroupsLocked(users: 2).Any(g => g.First <= first && g.First + g.Count >= first + layers.Length))
                {
                    return false;
                }

                Layer[] all = [.. _published.Layers[..first], compacted, .. _published.Layers[(first + layers.Length)..]];
                CommitLocked(State with { Layers = [.. all.Select(layer => layer.Record)] }, all);
                _recentMaps.Clear();
                _leaving.AddRange(layers.Select(layer => layer.File));
            }

            StoreFaults.Pass(CrashPoints.CompactRecorded);
            Move(layers, compacted.File.Slot, entries, offsets);
            foreach (var layer in layers)
            {
                EndLeaving(layer.File);
            }
        }

        LogCompacted(Name, layers.Length, layers.Sum(BytesOf), BytesOf(compacted));
        DropFiles([.. layers]);
        return true;
    }

    /// <summary>Zeros stay as they are: what says them needs no file, and they hold for as long as nobody writes there.</summary>
    private void Move(Layer[] layers, int slot, List<MergedEntry> entries, long[] offsets)
    {
        for (var start = 0; start < entries.Count; start += MoveEntries)
        {
            lock (_appendLock)
            {
                for (var i = start; i < Math.Min(start + MoveEntries, entries.Count); i++)
                {
                    var entry = entries[i];
                    if (!entry.IsZero)
                    {
                        _map.Move(entry.FirstBlock, new BlockLocation(layers[entry.Layer].File.Slot, entry.FileOffset), new BlockLocation(slot, offsets[i]));
                    }
                }
            }
        }
    }
}
