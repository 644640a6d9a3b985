using System.Collections.Concurrent;

namespace Dr.Edge.Volumes.Space;

/// <summary>Counts over sealed layers, which never change: each is made once. What belongs to layers that are gone is dropped.</summary>
internal sealed class SpaceCache
{
    private readonly ConcurrentDictionary<(long Layer, long Next), long> _counts = [];
    private volatile Tuple<(long First, long Last, int Count), long>? _changed;

    /// <summary>Data blocks of a layer.</summary>
    public long DataOf(long layer, Func<long> count) => _counts.GetOrAdd((layer, 0), _ => count());

    /// <summary>Data blocks of a layer that the next one changes again.</summary>
    public long Superseded(long layer, long next, Func<long> count) => _counts.GetOrAdd((layer, next), _ => count());

    /// <summary>Different blocks that a run of layers changed; the last answer is kept.</summary>
    /// <param name="layers">First and last number, and how many.</param>
    public long ChangedOver((long First, long Last, int Count) layers, Func<long> count)
    {
        var kept = _changed;
        if (kept is null || kept.Item1 != layers)
        {
            _changed = kept = Tuple.Create(layers, count());
        }

        return kept.Item2;
    }

    public void Keep(IReadOnlySet<long> layers)
    {
        foreach (var key in _counts.Keys)
        {
            if (!layers.Contains(key.Layer) || (key.Next != 0 && !layers.Contains(key.Next)))
            {
                _counts.TryRemove(key, out _);
            }
        }
    }
}
