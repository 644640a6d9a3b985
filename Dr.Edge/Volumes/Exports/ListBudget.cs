namespace Dr.Edge.Volumes.Exports;

/// <summary>
/// How many points of each volume a list shows. The protocol has no pages, and some tools open a connection per entry, so that 50 volumes with 255 points each must not all be in it.
/// Every volume is always listed. Pure.
/// </summary>
internal static class ListBudget
{
    /// <summary>Entries in a list unless there are more volumes than this: a quarter of a megabyte on the wire, and about what a person scrolls through.</summary>
    public const int MaxEntries = 1000;

    /// <summary>Points to show per volume, in the order of <paramref name="pointCounts"/>: what is left after the volumes, shared evenly; what one does not need goes to the others.</summary>
    public static int[] Share(IReadOnlyList<int> pointCounts, int maxEntries)
    {
        var shares = new int[pointCounts.Count];
        var left = Math.Max(maxEntries - pointCounts.Count, 0);
        var waiting = pointCounts.Count;
        foreach (var index in Enumerable.Range(0, pointCounts.Count).OrderBy(index => pointCounts[index]))
        {
            // Those that need least first: each leaves the rest of its share to those behind it.
            shares[index] = Math.Min(pointCounts[index], left / waiting);
            left -= shares[index];
            waiting--;
        }

        return shares;
    }
}
