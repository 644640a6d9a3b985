using Dr.Contracts.Policy;
using Dr.Simulator.Replay.Compare;

namespace Dr.Simulator.Replay;

/// <summary>Everything that one call of <c>dr-sim replay</c> works out; every report shows a part of it.</summary>
internal sealed record ReplayStudy
{
    public required ReplayResult Replay { get; init; }

    /// <summary>Table 2 against what was reached, over all seeds that were run.</summary>
    public required IReadOnlyList<Promise> Promises { get; init; }

    public required BandwidthUse Bandwidth { get; init; }

    /// <summary>Null when only one seed was run.</summary>
    public SweepResult? Sweep { get; init; }

    /// <summary>Null unless it was asked for.</summary>
    public IReadOnlyList<Comparison>? Comparisons { get; init; }

    /// <summary>Rules of the design that broke, in any seed.</summary>
    public int Violations => Replay.Violations.Count + (Sweep?.Violations.Count ?? 0);

    /// <param name="seeds">1 or more; the first is told in full, all of them are counted.</param>
    /// <param name="comparedSeeds">Years run for each way of doing it otherwise; null = no comparisons.</param>
    /// <param name="done">Told after each year, from any thread.</param>
    public static ReplayStudy Run(FaultYear year, ulong seed, int seeds, int? comparedSeeds, Action? done, CancellationToken cancellationToken)
    {
        var options = new ReplayOptions { Seed = seed };
        var replay = ReplayRun.Run(year, options, cancellationToken);
        done?.Invoke();
        IReadOnlyList<SeedSummary> all = [SeedSummary.Of(replay), .. seeds > 1 ? SeedSweep.Run(year, options with { Seed = seed + 1 }, seeds - 1, done, cancellationToken) : []];
        return new ReplayStudy
        {
            Replay = replay,
            Promises = Promise.Of(year.Policies, all),
            Bandwidth = BandwidthUse.Of(year.Policies, OpeningCalendar.Default, seed),
            Sweep = seeds > 1 ? SweepResult.Of(all) : null,
            Comparisons = comparedSeeds is { } many ? Compare.Comparisons.Run(year, seed, many, done, cancellationToken) : null,
        };
    }

    /// <summary>Years that <see cref="Run"/> runs, for a progress bar.</summary>
    public static int Years(int seeds, int? comparedSeeds) => seeds + ((comparedSeeds ?? 0) * Compare.Comparisons.Ways);
}
