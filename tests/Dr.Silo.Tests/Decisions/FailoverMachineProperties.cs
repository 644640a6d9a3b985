using CsCheck;
using Dr.Contracts.Grains;
using Dr.Silo.Decisions.Failover;

namespace Dr.Silo.Tests.Decisions;

public sealed class FailoverMachineProperties
{
    private static readonly Gen<(int Kind, int[] Choices)> Histories = Gen.Select(Gen.Int[0, 31], Gen.Int[0, MachineDriver.Choices - 1].Array[0, 120]);

    [Fact]
    public void Whatever_happens_in_whatever_order_the_promises_of_the_machine_hold() =>
        Histories.Sample(
            history =>
            {
                // The driver checks after every event: epochs only grow, nothing is promoted without proof and ledger, a drill owns nothing, twice is once,
                // nothing bounces back by itself, every effect has an executor.
                var driver = MachineDriver.Of(history.Kind).Protected();
                Array.ForEach(history.Choices, driver.Play);
            },
            iter: 10_000);

    [Fact]
    public void With_all_faults_healed_every_state_reaches_Protected_or_a_person() =>
        Histories.Sample(
            history =>
            {
                var driver = MachineDriver.Of(history.Kind).Protected();
                Array.ForEach(history.Choices, driver.Play);
                var end = driver.Heal();
                (end is Phase.Protected or Phase.NeedsOperator).ShouldBeTrue($"it ended {end}: {string.Join("; ", driver.Trace.TakeLast(30))}");
            },
            iter: 10_000);

    [Fact]
    public void Random_histories_reach_every_phase_and_nearly_every_row()
    {
        var seen = new HashSet<Phase>();
        var rules = new HashSet<string>(StringComparer.Ordinal);
        var random = new Random(1);
        for (var i = 0; i < 20_000; i++)
        {
            var driver = MachineDriver.Of(i % 32);
            if (i % 5 != 0)
            {
                driver.Protected();
            }

            for (var n = 0; n < 80; n++)
            {
                driver.Play(random.Next(MachineDriver.Choices));
            }

            driver.Heal();
            seen.UnionWith(driver.Seen);
            rules.UnionWith(driver.RulesUsed);
        }

        seen.Order().ShouldBe(Enum.GetValues<Phase>());
        var all = FailoverTable.Rows.Select(r => $"{r.From}/{r.On.Name}/{r.Name}").Distinct().ToArray();
        var unused = all.Except(rules).ToArray();
        unused.Length.ShouldBeLessThan(all.Length / 10, $"rows that nothing reaches: {string.Join("; ", unused)}");
    }
}
