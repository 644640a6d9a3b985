using Dr.Edge.Volumes.Format;
using Dr.Edge.Volumes.Scrubbing;

namespace Dr.Edge.Volumes;

/// <content>Checking piece by piece, with the same checks as a whole verification.</content>
internal sealed partial class Volume
{
    /// <summary>Bytes that a whole pass reads, about.</summary>
    internal long ScrubBytes => AllocatedBytes + (MappedBlocks * StoreLimits.BlockBytes);

    /// <summary>Reads the piece at the cursor, about <paramref name="pieceBytes"/> long, against its checksums. Changes nothing. History is held only while it lasts.</summary>
    internal ScrubPiece ScrubPiece(ScrubCursor cursor, int pieceBytes, Action<Damage> report)
    {
        var (state, layers, hold) = Capture(null, "it is being scrubbed");
        using (hold)
        {
            try
            {
                return cursor.Stage switch
                {
                    ScrubStage.Metadata => ScrubMetadata(cursor, report),
                    ScrubStage.Layers when layers.FirstOrDefault(layer => layer.Record.Number >= cursor.Layer) is { } layer => ScrubLayer(cursor, layer, state, pieceBytes, report),
                    ScrubStage.Layers or ScrubStage.Base => ScrubBase(cursor, state, pieceBytes, report),
                    _ => ScrubMap(cursor, pieceBytes, report),
                };
            }
            finally
            {
                Release(layers);
            }
        }
    }

    /// <summary>Points that show a damaged block, and whether the present does.</summary>
    internal (IReadOnlyList<PointId> Points, bool InPresent) ShownBy(Damage damage)
    {
        var (state, layers, hold) = Capture(null, "damage is being looked at");
        using (hold)
        {
            try
            {
                return ShownBy(damage, state, layers);
            }
            finally
            {
                Release(layers);
            }
        }
    }

    private static (IReadOnlyList<PointId> Points, bool InPresent) ShownBy(Damage damage, ManifestState state, Layer[] layers)
    {
        if (damage.Layer is { } number)
        {
            var index = Array.FindIndex(layers, layer => layer.Record.Number == number);
            if (index < 0 || damage.IsIndex)
            {
                return ([], false);
            }

            var (record, from) = (layers[index].Record, layers[index].Record.After);
            if (damage.Block is not { } block)
            {
                // Everything behind it in the layer may be out of reach, and later layers build on it.
                return ([.. state.Points.Where(point => point.Sequence.Value > from).Select(point => point.Id)], true);
            }

            if (record.Sealed && !layers[index].ReadEntries(state).Any(entry => entry.FileOffset == damage.Offset && !entry.IsZero))
            {
                // Overwritten within the layer: only moments between two points show it.
                return ([], false);
            }

            return UntilOverwritten(block, from, state, layers.AsSpan(index + 1));
        }

        return damage.Block is { } based ? UntilOverwritten(based, state.BaseSequence - 1, state, layers) : ([], true);
    }

    private static (IReadOnlyList<PointId> Points, bool InPresent) UntilOverwritten(long block, long from, ManifestState state, ReadOnlySpan<Layer> later)
    {
        foreach (var layer in later)
        {
            if (layer.Record.Sealed && layer.ReadEntries(state).Any(entry => entry.FirstBlock <= block && block < entry.FirstBlock + entry.BlockCount))
            {
                var end = layer.Record.After;
                return ([.. state.Points.Where(point => point.Sequence.Value > from && point.Sequence.Value <= end).Select(point => point.Id)], false);
            }
        }

        return ([.. state.Points.Where(point => point.Sequence.Value > from).Select(point => point.Id)], true);
    }

    private ScrubPiece ScrubMetadata(ScrubCursor cursor, Action<Damage> report)
    {
        VerifyMetadata(report);
        return new ScrubPiece(cursor, null, StoreLimits.BlockBytes);
    }

    private static ScrubPiece ScrubLayer(ScrubCursor cursor, Layer layer, ManifestState state, int pieceBytes, Action<Damage> report)
    {
        // The layer may be the next one because the cursor's has gone.
        var at = layer.Record.Number == cursor.Layer ? cursor : new ScrubCursor(ScrubStage.Layers, layer.Record.Number, 0);
        var start = Math.Max(at.Position, layer.Start(state));
        if (at.Position == 0)
        {
            VerifyLayerHeader(layer, report);
        }

        var end = VerifyBatches(layer, state, start, pieceBytes, _ => { }, report);
        if (end is not null)
        {
            return new ScrubPiece(at, end, end.Value - start);
        }

        VerifyIndex(layer, state, report);
        return new ScrubPiece(at, null, Math.Max(0, layer.Tail - start));
    }

    private ScrubPiece ScrubBase(ScrubCursor cursor, ManifestState state, int pieceBytes, Action<Damage> report)
    {
        var at = cursor.Stage == ScrubStage.Base ? cursor : new ScrubCursor(ScrubStage.Base, 0, 0);
        if (state.Merging is not null)
        {
            // Its entries and blocks are changing; the next pass reads them.
            return new ScrubPiece(at, null, 0);
        }

        var next = VerifyBaseBlocks(at.Position, pieceBytes / StoreLimits.BlockBytes, out var bytes, report);
        return new ScrubPiece(at, next < VolumeBlocks ? next : null, bytes);
    }

    /// <summary>What the present shows, as <see cref="ContentCheck"/> does; nothing where it cannot be read at all.</summary>
    internal long CheckContent(long block, int maxBlocks, out long bytes, Action<long, string> report)
    {
        bytes = 0;
        return _unreadable is null ? ContentCheck.Check(_map, _context.Layers, Math.Min(block, VolumeBlocks), VolumeBlocks, maxBlocks, out bytes, report) : VolumeBlocks;
    }

    private ScrubPiece ScrubMap(ScrubCursor cursor, int pieceBytes, Action<Damage> report)
    {
        var next = CheckContent(cursor.Position, pieceBytes / StoreLimits.BlockBytes, out var bytes, (block, problem) =>
            report(new Damage("map", block * StoreLimits.BlockBytes, StoreLimits.BlockBytes, problem, block, null, false)));
        return new ScrubPiece(cursor, next < VolumeBlocks ? next : null, bytes);
    }
}
