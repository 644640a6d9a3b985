namespace Dr.Simulator.Replay;

/// <summary>Many seeds put together: what to expect, and how far it can be off.</summary>
internal sealed record SweepResult
{
    public required ulong FirstSeed { get; init; }

    public required int Seeds { get; init; }

    public required IReadOnlyList<SweepSystem> Systems { get; init; }

    public required IReadOnlyList<SweepKind> Kinds { get; init; }

    /// <summary>Seconds from the fault until it was noticed; every fault of every seed.</summary>
    public required Spread? DetectionSeconds { get; init; }

    /// <summary>Seconds from the fault until users were served again, where the system could help.</summary>
    public required Spread? RtoSeconds { get; init; }

    public required Spread? RpoSeconds { get; init; }

    /// <summary>Rules of the design that broke, with their seeds; at most <see cref="ViolationsShown"/> are listed.</summary>
    public required IReadOnlyList<string> Violations { get; init; }

    public const int ViolationsShown = 20;

    public static SweepResult Of(IReadOnlyList<SeedSummary> seeds) => new()
    {
        FirstSeed = seeds[0].Seed,
        Seeds = seeds.Count,
        Systems = [.. seeds[0].Systems.Select((s, i) => SweepSystem.Of(s, [.. seeds.Select(x => x.Systems[i])]))],
        Kinds = [.. seeds[0].Totals.Select((t, i) => new SweepKind(t.Kind, t.DaysBefore, Spread.Of(seeds.Select(x => (double)x.Totals[i].DaysAfter))!, Spread.Of(seeds.Select(x => x.Totals[i].MinutesBefore))!, Spread.Of(seeds.Select(x => x.Totals[i].MinutesAfter))!))],
        DetectionSeconds = Spread.Of(seeds.SelectMany(s => s.Faults).Select(f => f.DetectionSeconds).OfType<double>()),
        RtoSeconds = Spread.Of(seeds.SelectMany(s => s.Faults).Select(f => f.RtoSeconds).OfType<double>()),
        RpoSeconds = Spread.Of(seeds.SelectMany(s => s.Faults).Select(f => f.RpoSeconds).OfType<double>()),
        Violations = [.. seeds.SelectMany(s => s.Violations.Select(v => $"seed {s.Seed}: {v}")).Take(ViolationsShown)],
    };
}

/// <summary>One kind over all seeds.</summary>
internal sealed record SweepKind(string Kind, int DaysBefore, Spread DaysAfter, Spread MinutesBefore, Spread MinutesAfter);

/// <summary>One system over all seeds; the times are the worst of each year.</summary>
/// <param name="PromiseKeptShare">Share of the seeds in which the promise holds; null without one.</param>
internal sealed record SweepSystem(
    SystemId System, string Name, SystemKind Kind, int DaysBefore, Spread DaysAfter, Spread RateAfterPercent, Spread MinutesBefore, Spread MinutesAfter,
    Spread? WorstDetectionSeconds, Spread? WorstRtoSeconds, Spread? WorstRpoSeconds, double? PromiseBelowPercent, double? PromiseKeptShare)
{
    public static SweepSystem Of(SystemResult one, IReadOnlyList<SystemResult> all) => new(
        one.System, one.Name, one.Kind, one.DaysBefore,
        Spread.Of(all.Select(s => (double)s.DaysAfter))!, Spread.Of(all.Select(s => s.RateAfterPercent))!, Spread.Of(all.Select(s => s.MinutesBefore))!, Spread.Of(all.Select(s => s.MinutesAfter))!,
        Spread.Of(all.Select(s => s.WorstDetectionSeconds).OfType<double>()), Spread.Of(all.Select(s => s.WorstRtoSeconds).OfType<double>()), Spread.Of(all.Select(s => s.WorstRpoSeconds).OfType<double>()),
        one.PromiseBelowPercent, one.PromiseBelowPercent is null ? null : all.Count(s => s.PromiseKept == true) / (double)all.Count);
}
