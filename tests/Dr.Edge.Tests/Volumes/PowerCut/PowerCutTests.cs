using System.Globalization;

namespace Dr.Edge.Tests.Volumes.PowerCut;

/// <summary>
/// Everything a store does to its files is recorded, and the power is cut at each instant of that record, in many ways. <c>DR_CUT_SEEDS</c> (how many), <c>DR_CUT_SEED</c> (the first),
/// <c>DR_CUT_EVERY</c> (1 = each instant) and <c>DR_CUT_STATES</c> (drawn at an instant) make it longer.
/// </summary>
public sealed class PowerCutTests(ITestOutputHelper output)
{
    private const int Steps = 90;
    private const int DefaultSeeds = 3;

    // Each life has something of everything, so that one is enough; the second is for the day the workload changes.
    private const int MaxSeedsForSabotage = 2;
    private const int FirstSeedForSabotage = 3;

    [Theory]
    [InlineData("Journaled")]
    [InlineData("Strict")]
    public void What_was_flushed_survives_every_power_cut_and_the_rest_is_a_prefix(string rules)
    {
        var first = Number("DR_CUT_SEED", 1);
        var watch = System.Diagnostics.Stopwatch.StartNew();
        var states = 0;
        var seeds = Number("DR_CUT_SEEDS", DefaultSeeds);
        var done = new Dictionary<string, int>();
        for (var seed = first; seed < first + seeds; seed++)
        {
            var run = new PowerCutRun(seed, Enum.Parse<CutRules>(rules), Sabotage.None, Steps);
            var problem = run.Run(Number("DR_CUT_STATES", 4), Number("DR_CUT_EVERY", 24));
            problem.ShouldBeNull(problem);
            states += run.States;
            foreach (var (kind, count) in run.Done)
            {
                done[kind] = done.GetValueOrDefault(kind) + count;
            }

            output.WriteLine($"seed {seed}: {run.States} states at {run.Cuts.Looked} of {run.Cuts.All} instants");
        }

        output.WriteLine(string.Join(", ", done.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $"{pair.Key} {pair.Value}")));
        if (seeds >= DefaultSeeds)
        {
            Workload.Kinds.Where(kind => !done.ContainsKey(kind)).ShouldBeEmpty("what no life did was not tested");
        }

        output.WriteLine($"{states} states in {watch.Elapsed.TotalSeconds:F1} s");
    }

    public static TheoryData<string> Sabotages => [.. Sabotage.All.Select(sabotage => sabotage.Name)];

    /// <summary>The simulation itself must be able to fail: a store that writes in a wrong order is found out.</summary>
    [Theory]
    [MemberData(nameof(Sabotages))]
    public void A_store_that_writes_in_a_wrong_order_is_found_out(string name)
    {
        for (var seed = FirstSeedForSabotage; seed < FirstSeedForSabotage + MaxSeedsForSabotage; seed++)
        {
            var sabotage = Sabotage.All.Single(sabotage => sabotage.Name == name);
            var run = new PowerCutRun(seed, CutRules.Strict, sabotage, Steps);
            if (run.Run(statesPerCut: 4, everyCut: 4) is { } problem)
            {
                output.WriteLine($"found with seed {seed} after {run.States} states:\n{problem}");
                return;
            }
        }

        Assert.Fail($"{MaxSeedsForSabotage} seeds did not find it: {name}");
    }

    private static int Number(string name, int otherwise) => int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : otherwise;
}
