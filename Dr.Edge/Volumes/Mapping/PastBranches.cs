namespace Dr.Edge.Volumes.Mapping;

/// <summary>
/// Which branches of maps of the past stay in memory: those looked at most recently, of all views and clones of a store together, in <see cref="BudgetBytes"/>. Each gets a second chance when it was used
/// since its first.
/// </summary>
internal sealed class PastBranches(long budgetBytes = PastBranches.BudgetBytes)
{
    /// <summary>Some 200 branches of random 4 KiB writes, more of anything else.</summary>
    public const long BudgetBytes = 128L * 1024 * 1024;

    private readonly Lock _lock = new(); // The innermost lock.
    private readonly Queue<Kept> _queue = new();
    private long _bytes;

    /// <summary>What they take now.</summary>
    public long Bytes
    {
        get
        {
            lock (_lock)
            {
                return _bytes;
            }
        }
    }

    public void Add(PastMap map, int branch, MapBranch content)
    {
        var kept = new Kept(map, branch, content, BytesOf(content));
        lock (_lock)
        {
            if (map.IsClosed)
            {
                return;
            }

            _queue.Enqueue(kept);
            _bytes += kept.Bytes;
            for (var chances = _queue.Count; _bytes > budgetBytes && _queue.Count > 1; chances--)
            {
                var oldest = _queue.Dequeue();
                if (oldest.Content.WasUsed && chances > 0)
                {
                    oldest.Content.WasUsed = false;
                    _queue.Enqueue(oldest);
                    continue;
                }

                _bytes -= oldest.Bytes;
                oldest.Map.Drop(oldest.Branch);
            }
        }
    }

    /// <summary>Nobody uses the map any more.</summary>
    public void Forget(PastMap map)
    {
        lock (_lock)
        {
            for (var count = _queue.Count; count > 0; count--)
            {
                var kept = _queue.Dequeue();
                if (kept.Map == map)
                {
                    _bytes -= kept.Bytes;
                }
                else
                {
                    _queue.Enqueue(kept);
                }
            }
        }
    }

    private static long BytesOf(MapBranch branch)
    {
        long bytes = MapBranch.Leaves * sizeof(long);
        for (var index = 0; index < MapBranch.Leaves; index++)
        {
            bytes += (branch[index]?.Length ?? 0) * sizeof(ulong);
        }

        return bytes;
    }

    private sealed record Kept(PastMap Map, int Branch, MapBranch Content, long Bytes);
}
