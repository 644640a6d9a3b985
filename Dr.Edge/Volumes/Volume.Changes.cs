namespace Dr.Edge.Volumes;

/// <content>What changed between two positions, for clients that copy only that.</content>
internal sealed partial class Volume
{
    /// <summary>
    /// Changes between two positions, of which the first is a point's. Both are held until the map is disposed; the layers between them are read when it is first asked, so that asking
    /// for a map costs nothing.
    /// </summary>
    /// <exception cref="DrException">History no longer goes back that far.</exception>
    internal IChangeMap OpenChanges(SequenceNumber after, SequenceNumber upTo, string reason)
    {
        var first = HoldPosition(after, reason);
        try
        {
            return new VolumeChanges(this, after.Value, upTo.Value, first, HoldPosition(upTo, reason));
        }
        catch
        {
            first.Dispose();
            throw;
        }
    }

    /// <summary>Whether nothing before <paramref name="block"/> was changed after the position <paramref name="after"/>; false too when the history no longer tells.</summary>
    internal bool IsUnchangedBefore(long block, long after)
    {
        try
        {
            return ReadChanges(after, Appended.Value).ToRanges() is var ranges && (ranges.Count == 0 || ranges[0].First >= block);
        }
        catch (DrException)
        {
            return false;
        }
    }

    /// <summary>Blocks that were written after the position <paramref name="after"/>, up to the other.</summary>
    /// <exception cref="DrException">History no longer goes back that far.</exception>
    internal ChangeBitmap ReadChanges(long after, long upTo)
    {
        ThrowIfUnreadable();
        var changed = new ChangeBitmap(VolumeBlocks);
        var (state, layers, hold) = Capture(after, "changes are being listed");
        using (hold)
        {
            try
            {
                foreach (var layer in layers.Where(layer => End(layer) > after && layer.Record.After < upTo))
                {
                    AddChanges(changed, layer, state, after, upTo);
                }
            }
            finally
            {
                Release(layers);
            }
        }

        return changed;
    }

    private sealed class VolumeChanges(Volume volume, long after, long upTo, IDisposable first, IDisposable last) : IChangeMap
    {
        private ChangeBitmap? _changed;

        public void GetChanges(long offset, long length, int maxRuns, List<ChangeRun> runs)
        {
            var changed = _changed ??= volume.ReadChanges(after, upTo);
            var end = offset + length;
            var endBlock = (end + Format.StoreLimits.BlockBytes - 1) >> Format.StoreLimits.BlockShift;
            for (var count = 0; offset < end && count < maxRuns; count++)
            {
                var block = offset >> Format.StoreLimits.BlockShift;
                var isChanged = changed.Contains(block);
                var next = Math.Min(changed.FindChange(block + 1, endBlock, isChanged) << Format.StoreLimits.BlockShift, end);
                runs.Add(new ChangeRun(next - offset, isChanged));
                offset = next;
            }
        }

        public void Dispose()
        {
            first.Dispose();
            last.Dispose();
        }
    }
}
