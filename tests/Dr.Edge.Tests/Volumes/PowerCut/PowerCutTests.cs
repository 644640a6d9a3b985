using System.Globalization;

namespace Dr.Edge.Tests.Volumes.PowerCut;

/// <summary>
/// Everything a store does to its files is recorded, and the power is cut at each instant of that record, in many ways. <c>DR_CUT_SEEDS</c> (how many), <c>DR_CUT_SEED</c> (the first),
/// <c>DR_CUT_EVERY</c> (1 = each instant) and <c>DR_CUT_STATES</c> (drawn at an instant) make it longer.
/// </summary>
public sealed class PowerCutTests(ITestOutputHelper output)
{
    private const int Steps = 70;
    private const int MaxSeedsForSabotage = 6;

    [Theory]
    [InlineData("Journaled")]
    [InlineData("Strict")]
    public void What_was_flushed_survives_every_power_cut_and_the_rest_is_a_prefix(string rules)
    {
        var first = Number("DR_CUT_SEED", 1);
        var watch = System.Diagnostics.Stopwatch.StartNew();
        var states = 0;
        for (var seed = first; seed < first + Number("DR_CUT_SEEDS", 3); seed++)
        {
            var run = new PowerCutRun(seed, Enum.Parse<CutRules>(rules), Sabotage.None, Steps);
            var problem = run.Run(Number("DR_CUT_STATES", 4), Number("DR_CUT_EVERY", 16));
            problem.ShouldBeNull(problem);
            states += run.States;
            output.WriteLine($"seed {seed}: {run.States} states at {run.Cuts.Looked} of {run.Cuts.All} instants");
        }

        output.WriteLine($"{states} states in {watch.Elapsed.TotalSeconds:F1} s");
    }

    public static TheoryData<string> Sabotages => [.. Sabotage.All.Select(sabotage => sabotage.Name)];

    /// <summary>The simulation itself must be able to fail: a store that writes in a wrong order is found out.</summary>
    [Theory]
    [MemberData(nameof(Sabotages))]
    public void A_store_that_writes_in_a_wrong_order_is_found_out(string name)
    {
        var sabotage = Sabotage.All.Single(sabotage => sabotage.Name == name);
        for (var seed = 1; seed <= MaxSeedsForSabotage; seed++)
        {
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
