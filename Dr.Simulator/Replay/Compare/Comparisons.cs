using Dr.Contracts.Policy;
using Dr.Silo.Decisions.Detection;
using Dr.Simulator.World;

namespace Dr.Simulator.Replay.Compare;

/// <summary>What the adaptive period, the witnesses and the stream are worth: the year again, without each of them.</summary>
internal static class Comparisons
{
    public const string Heartbeats = "heartbeats";
    public const string Witnesses = "witnesses";
    public const string Copies = "copies";
    public const string AsIs = "product";

    /// <summary>Seconds between beats, day and night, to hold the adaptive one against.</summary>
    public static readonly IReadOnlyList<int> FixedPeriods = [1, 2, 5, 10, 30, 60];

    /// <summary>Years run for the product as it is and for every other way.</summary>
    public static int Ways => FixedPeriods.Count + 4;

    public static IReadOnlyList<Comparison> Run(FaultYear year, ulong firstSeed, int seeds, Action? done, CancellationToken cancellationToken)
    {
        var options = new ReplayOptions { Seed = firstSeed, Stories = false };
        ComparedWay Way(string id, ReplayOptions how) => ComparedWay.Of(id, SeedSweep.Run(year, how, seeds, done, cancellationToken));

        var product = Way(AsIs, options);
        var watched = year.Policies.SelectMany(p => p.Systems.Select(_ => p.Kind == BusinessKind.RealTime ? BeatClass.CriticalSystem : BeatClass.Appliance)).ToArray();
        return
        [
            new Comparison(Heartbeats,
            [
                Watch(product, watched),
                .. FixedPeriods.Select(seconds => ReplayOptions.Fixed(TimeSpan.FromSeconds(seconds))).Select(beats => Watch(Way(beats.Name, options with { FixedBeats = beats }), [.. watched.Select(_ => beats)])),
            ]),
            new Comparison(Witnesses, [product, Way("without-witnesses", options with { Witnesses = false })]),
            new Comparison(Copies, [product, Way("points-only", options with { Copy = CopyPlan.Points }), Way("schedule-only", options with { Copy = CopyPlan.Schedule })]),
        ];
    }

    private static ComparedWay Watch(ComparedWay way, IReadOnlyList<BeatClass> classes) => way with
    {
        FalseAlarmsPerYear = classes.Sum(BeatBudget.FalseAlarmsPerYear),
        MessagesPerYear = classes.Sum(BeatBudget.MessagesPerYear),
    };
}
