namespace Dr.Edge.Volumes.Mapping;

/// <summary>
/// The maps of a few recent points, so that a view or clone of one has all of its map at once. They share all that has not changed since, and give way when what has changed
/// takes more than <see cref="BudgetBytes"/>. Valid only as long as the layers they point into are part of the volume: whatever takes a layer away calls <see cref="Clear"/> in the same locked section.
/// </summary>
internal sealed class RecentMaps
{
    /// <summary>What the writer may have copied for them, per volume.</summary>
    public const long BudgetBytes = 64L * 1024 * 1024;

    /// <summary>How many are kept.</summary>
    public const int MaxKept = 2;

    /// <summary>Points that follow each other faster are not worth the copies: the views of such a point read the few layers in between.</summary>
    public static readonly TimeSpan MinInterval = TimeSpan.FromSeconds(30);

    private const int LeafBytes = 6 * 1024;
    private readonly Lock _lock = new(); // Guards _kept; the innermost lock.
    private readonly List<Kept> _kept = [];

    /// <summary>Whether a map of this moment should be handed to <see cref="Keep"/>.</summary>
    public bool Wants(DateTimeOffset at)
    {
        lock (_lock)
        {
            return _kept.Count == 0 || at - _kept[^1].At >= MinInterval || at < _kept[^1].At;
        }
    }

    /// <summary>Takes a snapshot of <paramref name="live"/>, which is at <paramref name="sequence"/>; under the append lock.</summary>
    public void Keep(BlockMap live, long sequence, DateTimeOffset at)
    {
        live.Copied ??= () => Trim(live);
        lock (_lock)
        {
            if (_kept.Count > 0 && _kept[^1].Sequence == sequence)
            {
                return;
            }

            _kept.Add(new Kept(sequence, at, live.Snapshot(), live.CopiedLeaves));
            while (_kept.Count > MaxKept)
            {
                RemoveFirst();
            }
        }
    }

    /// <summary>A map of its own for the caller, at this position; null when none is kept.</summary>
    public BlockMap? TryTake(long sequence)
    {
        lock (_lock)
        {
            return _kept.Find(kept => kept.Sequence == sequence)?.Map.Snapshot();
        }
    }

    public void Clear()
    {
        lock (_lock)
        {
            while (_kept.Count > 0)
            {
                RemoveFirst();
            }
        }
    }

    private void Trim(BlockMap live)
    {
        lock (_lock)
        {
            while (_kept.Count > 0 && (live.CopiedLeaves - _kept[0].CopiedBefore) * LeafBytes > BudgetBytes)
            {
                RemoveFirst();
            }
        }
    }

    private void RemoveFirst()
    {
        _kept[0].Map.Dispose();
        _kept.RemoveAt(0);
    }

    private sealed record Kept(long Sequence, DateTimeOffset At, BlockMap Map, long CopiedBefore);
}
