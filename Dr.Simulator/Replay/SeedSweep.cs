namespace Dr.Simulator.Replay;

/// <summary>
/// The same log under many seeds: hours, durations and what the log leaves open fall differently each time. Seeds run side by side and are put together in their order, so the result is the
/// same on any number of processors.
/// </summary>
internal static class SeedSweep
{
    /// <summary>More would only take longer: the median of 10 000 seeds does not move any more.</summary>
    public const int MaxSeeds = 100_000;

    /// <param name="options">Its seed is the first; the others follow.</param>
    /// <param name="done">Told after each seed, from any thread.</param>
    public static IReadOnlyList<SeedSummary> Run(FaultYear year, ReplayOptions options, int seeds, Action? done, CancellationToken cancellationToken)
    {
        var summaries = new SeedSummary[seeds];
        Parallel.For(0, seeds, new ParallelOptions { CancellationToken = cancellationToken }, i =>
        {
            summaries[i] = SeedSummary.Of(ReplayRun.Run(year, options with { Seed = options.Seed + (ulong)i, Stories = false }, cancellationToken));
            done?.Invoke();
        });
        return summaries;
    }
}
