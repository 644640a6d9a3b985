namespace Dr.Edge.Volumes.Space;

/// <summary>Counting over ascending, disjoint runs of blocks, streamed: the memory needed does not grow with them. Pure.</summary>
internal static class BlockRuns
{
    /// <summary>Blocks that are in both.</summary>
    public static long CountCommon(IEnumerable<BlockRange> left, IEnumerable<BlockRange> right)
    {
        using var a = left.GetEnumerator();
        using var b = right.GetEnumerator();
        long common = 0;
        for (var more = a.MoveNext() && b.MoveNext(); more;)
        {
            var (aEnd, bEnd) = (a.Current.First + a.Current.Count, b.Current.First + b.Current.Count);
            common += Math.Max(0, Math.Min(aEnd, bEnd) - Math.Max(a.Current.First, b.Current.First));
            more = aEnd <= bEnd ? a.MoveNext() : b.MoveNext();
        }

        return common;
    }

    public static long Count(IEnumerable<BlockRange> runs) => runs.Sum(run => run.Count);

    /// <summary>What is in any of them, as ascending, disjoint runs.</summary>
    public static IEnumerable<BlockRange> Union(IReadOnlyList<IEnumerable<BlockRange>> sources)
    {
        var queue = new PriorityQueue<IEnumerator<BlockRange>, long>();
        try
        {
            foreach (var source in sources)
            {
                Advance(source.GetEnumerator());
            }

            (long First, long End) open = (-1, -1);
            while (queue.TryDequeue(out var next, out _))
            {
                var run = next.Current;
                if (run.First > open.End)
                {
                    if (open.End > open.First)
                    {
                        yield return new BlockRange(open.First, open.End - open.First);
                    }

                    open = (run.First, run.First + run.Count);
                }
                else
                {
                    open.End = Math.Max(open.End, run.First + run.Count);
                }

                Advance(next);
            }

            if (open.End > open.First)
            {
                yield return new BlockRange(open.First, open.End - open.First);
            }
        }
        finally
        {
            while (queue.TryDequeue(out var left, out _))
            {
                left.Dispose();
            }
        }

        void Advance(IEnumerator<BlockRange> source)
        {
            if (source.MoveNext())
            {
                queue.Enqueue(source, source.Current.First);
            }
            else
            {
                source.Dispose();
            }
        }
    }
}
