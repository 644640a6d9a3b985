namespace Dr.Simulator.Replay;

/// <summary>What is kept of one seed's year.</summary>
internal sealed record SeedSummary(ulong Seed, IReadOnlyList<SystemResult> Systems, IReadOnlyList<KindTotal> Totals, IReadOnlyList<FaultTimes> Faults, IReadOnlyList<string> Violations)
{
    public static SeedSummary Of(ReplayResult result) => new(
        result.Seed,
        result.Systems,
        result.Totals,
        [.. result.Incidents.Select(i => new FaultTimes(i.System, i.LogLine, i.DetectionSeconds, i.DetectedBy, i.RtoSeconds, i.RpoSeconds, i.Remedy, i.PeopleAsked, i.MinutesAfter))],
        result.Violations);
}

/// <summary>One fault of one seed, in figures.</summary>
internal sealed record FaultTimes(SystemId System, int LogLine, double? DetectionSeconds, FirstSign? DetectedBy, double? RtoSeconds, double? RpoSeconds, Remedy Remedy, int PeopleAsked, double MinutesAfter);
