namespace Dr.Edge.Tests;

/// <summary>
/// What a piece of work allocates on the present thread. A collection that another test sets off is charged with what was left of this thread's allocation buffer (up to 8 KiB), and the runtime makes
/// some things once, such as a lock's wait handle: so the work is measured several times, and the least counts. What every request allocates is in each of them.
/// </summary>
internal static class Allocated
{
    private const int Rounds = 5;

    /// <summary>Bytes.</summary>
    public static long Least(Action work) => Enumerable.Range(0, Rounds).Min(_ => Once(work));

    /// <summary>The least step between readings of <see cref="GC.GetAllocatedBytesForCurrentThread"/> that were taken on the same thread after equal work.</summary>
    public static long LeastStep(IReadOnlyList<long> readings) => readings.Zip(readings.Skip(1), (before, after) => after - before).Min();

    private static long Once(Action work)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        work();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }
}
