namespace Dr.Edge.Nbd.Contexts;

/// <summary>Answers BLOCK_STATUS for one context.</summary>
internal interface IStatusSource : IDisposable
{
    /// <summary>Appends runs that cover at least the first byte and at most <paramref name="length"/> bytes, merged where equal, at most <paramref name="maxRuns"/>.</summary>
    void GetStatus(long offset, long length, int maxRuns, List<StatusRun> runs);
}

/// <param name="Length">Bytes, more than 0.</param>
/// <param name="Status">The context's own bits.</param>
internal readonly record struct StatusRun(long Length, uint Status);
