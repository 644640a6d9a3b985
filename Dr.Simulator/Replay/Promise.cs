using Dr.Contracts.Policy;

namespace Dr.Simulator.Replay;

/// <summary>A line of table 2 against what was reached: the share of opening days with a fault, the data lost, the time without service. The worst system of the line counts.</summary>
internal sealed record Promise
{
    public required string Policy { get; init; }

    public required IReadOnlyList<SystemId> Systems { get; init; }

    public required double PromisedBelowPercent { get; init; }

    /// <summary>Before, over the same opening days.</summary>
    public required double BeforePercent { get; init; }

    /// <summary>The worst system's rate after: over the seeds, median and 95th percentile.</summary>
    public required double MedianPercent { get; init; }

    public required double P95Percent { get; init; }

    /// <summary>Per cent of the opening days that were left of the promise, by the 95th percentile; negative = broken.</summary>
    public double MarginPercent => PromisedBelowPercent - P95Percent;

    /// <summary>Share of the seeds in which it holds.</summary>
    public required double KeptShare { get; init; }

    public bool Holds => KeptShare >= 1;

    public required double RpoTargetSeconds { get; init; }

    /// <summary>The most that a fault of any seed cost; null when no fault of this line cost data or could.</summary>
    public required double? WorstRpoSeconds { get; init; }

    public required double RtoTargetSeconds { get; init; }

    /// <summary>The longest that a fault of any seed took to be helped; null when none was.</summary>
    public required double? WorstRtoSeconds { get; init; }

    public required double? P95RtoSeconds { get; init; }

    /// <summary>Faults of the median seed that only people ended.</summary>
    public required int NotHelped { get; init; }

    public bool RpoHolds => (WorstRpoSeconds ?? 0) <= RpoTargetSeconds;

    public bool RtoHolds => (WorstRtoSeconds ?? 0) <= RtoTargetSeconds;

    public static IReadOnlyList<Promise> Of(IReadOnlyList<BackupPolicy> policies, IReadOnlyList<SeedSummary> seeds) =>
        [.. policies.Where(p => p.Systems.Any(id => seeds[0].Systems.Any(s => s.System == id))).Select(p => Of(p, seeds))];

    private static Promise Of(BackupPolicy policy, IReadOnlyList<SeedSummary> seeds)
    {
        var ids = policy.Systems.ToHashSet();
        var worst = seeds.Select(s => s.Systems.Where(x => ids.Contains(x.System)).Max(x => x.RateAfterPercent)).ToArray();
        var rates = Spread.Of(worst)!;
        var faults = seeds.SelectMany(s => s.Faults).Where(f => ids.Contains(f.System)).ToArray();
        var rto = Spread.Of(faults.Select(f => f.RtoSeconds).OfType<double>());
        return new Promise
        {
            Policy = policy.Name,
            Systems = policy.Systems,
            PromisedBelowPercent = policy.Targets.FaultRateBelowPercent,
            BeforePercent = seeds[0].Systems.Where(x => ids.Contains(x.System)).Max(x => x.RateBeforePercent),
            MedianPercent = rates.Median,
            P95Percent = rates.P95,
            KeptShare = worst.Count(rate => rate < policy.Targets.FaultRateBelowPercent) / (double)worst.Length,
            RpoTargetSeconds = policy.Targets.Rpo.TotalSeconds,
            WorstRpoSeconds = Spread.Of(faults.Select(f => f.RpoSeconds).OfType<double>())?.Max,
            RtoTargetSeconds = policy.Targets.Rto.TotalSeconds,
            WorstRtoSeconds = rto?.Max,
            P95RtoSeconds = rto?.P95,
            NotHelped = (int)Spread.Of(seeds.Select(s => (double)s.Faults.Count(f => ids.Contains(f.System) && f.Remedy == Remedy.PeopleOnly)))!.Median,
        };
    }
}
