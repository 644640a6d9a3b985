namespace Dr.Edge.Replication;

/// <summary>How long to wait before the next attempt: doubling, with full jitter above a floor, so that many peers do not come back in step. Pure.</summary>
internal static class Backoff
{
    private static readonly TimeSpan First = TimeSpan.FromMilliseconds(100);

    /// <summary>A peer that came back is found within this.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(3);

    /// <param name="failures">Attempts that failed in a row, from 1.</param>
    /// <param name="random">0 to 1.</param>
    public static TimeSpan After(int failures, double random)
    {
        var ceiling = TimeSpan.FromMilliseconds(First.TotalMilliseconds * Math.Pow(2, Math.Min(failures - 1, 10)));
        return (ceiling < Longest ? ceiling : Longest) * (0.5 + (0.5 * random));
    }
}
