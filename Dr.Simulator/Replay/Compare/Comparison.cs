namespace Dr.Simulator.Replay.Compare;

/// <summary>The year under one way of doing it.</summary>
/// <param name="SilenceDetection">Seconds until a stop that shows only by silence was suspected.</param>
/// <param name="FalseAlarmsPerYear">Expected over all watched systems, by the formula of <see cref="Silo.Decisions.Detection.PredictedQuality"/>; null where it does not differ.</param>
/// <param name="MessagesPerYear">Beats of all watched systems; null where it does not differ.</param>
/// <param name="Unhelped">Faults a year that only people ended, median.</param>
internal sealed record ComparedWay(
    string Id, int Seeds, Spread? Detection, Spread? SilenceDetection, Spread? Rto, Spread? Rpo, Spread DaysAfter, Spread MinutesAfter, int Unhelped, int PeopleAsked,
    double? FalseAlarmsPerYear = null, double? MessagesPerYear = null)
{
    public static ComparedWay Of(string id, IReadOnlyList<SeedSummary> seeds)
    {
        var faults = seeds.SelectMany(s => s.Faults).ToArray();
        return new ComparedWay(
            id,
            seeds.Count,
            Spread.Of(faults.Select(f => f.DetectionSeconds).OfType<double>()),
            Spread.Of(faults.Where(f => f.DetectedBy == FirstSign.Silence).Select(f => f.DetectionSeconds).OfType<double>()),
            Spread.Of(faults.Select(f => f.RtoSeconds).OfType<double>()),
            Spread.Of(faults.Select(f => f.RpoSeconds).OfType<double>()),
            Spread.Of(seeds.Select(s => (double)s.Totals[^1].DaysAfter))!,
            Spread.Of(seeds.Select(s => s.Totals[^1].MinutesAfter))!,
            (int)Spread.Of(seeds.Select(s => (double)s.Faults.Count(f => f.Remedy == Remedy.PeopleOnly)))!.Median,
            (int)Spread.Of(seeds.Select(s => (double)s.Faults.Sum(f => f.PeopleAsked)))!.Median);
    }
}

/// <summary>Ways of doing the same thing, side by side; the first is the product's.</summary>
internal sealed record Comparison(string Id, IReadOnlyList<ComparedWay> Ways);
