using CsCheck;
using Dr.Contracts.Grains;
using Dr.Silo.Decisions.Failover;

namespace Dr.Silo.Tests.Decisions.Model;

/// <summary>
/// The invariants of the design, looked at after everything that happens in random histories: one writer, epochs only grow, no promotion without a recorded proof, a planned move loses nothing,
/// an unplanned one no more than was recorded, drills own nothing, twice is once, nobody outlives a budget unseen, a lower epoch never acts, the audit has everything, and healed it ends well.
/// </summary>
public sealed class FailoverModelTests
{
    private const int Cases = 10_000;

    internal static readonly Gen<(int Kind, int[] Choices)> Histories = Gen.Select(Gen.Int[0, 7], Gen.Int[0, (FailoverModel.Actions * 5_000) - 1].Array[0, 90]);

    private static readonly Gen<int> LeasedKinds = Gen.Int[0, 3].Select(n => n * 2);

    private static readonly TableIndex Table = new(FailoverTable.Rows);

    [Fact]
    public void Whatever_happens_the_invariants_hold_and_healed_it_ends_Protected_or_with_a_person() =>
        Histories.Sample(history => Play(Table, history, Breakage.None), iter: Cases);

    [Fact]
    public void In_good_weather_a_system_goes_over_and_home_and_nobody_is_asked() =>
        Gen.Select(Gen.Int[0, 7], Gen.Int[0, int.MaxValue - 1]).Sample((kind, seed) => new FailoverModel(Table, kind).RoundTrip(seed), iter: 200);

    [Fact]
    public void A_second_disaster_within_the_hour_waits_for_a_person() =>
        Gen.Select(Gen.Int[0, 7], Gen.Int[0, int.MaxValue - 1]).Sample((kind, seed) => new FailoverModel(Table, kind).SecondDisaster(seed), iter: 200);

    [Fact]
    public void An_owner_that_hears_nothing_never_writes_beside_the_next() =>
        Gen.Select(Gen.Int[0, 7], Gen.Int[0, int.MaxValue - 1]).Sample((kind, seed) => new FailoverModel(Table, kind).FencedTakeover(seed), iter: 3_000);

    [Fact]
    public void A_lease_that_is_turned_on_fences_nobody_who_was_not_heard_to_ask_for_it() =>
        Gen.Select(LeasedKinds.Select(n => n | 1), Gen.Int[0, int.MaxValue - 1]).Sample((kind, seed) => new FailoverModel(Table, kind).LeaseTurnedOn(seed), iter: 2_000);

    [Fact]
    public void A_control_plane_that_is_back_after_the_proof_waits_to_hear_the_copy_and_takes_over_or_asks() =>
        Gen.Select(LeasedKinds, Gen.Int[0, int.MaxValue - 1]).Sample((kind, seed) => new FailoverModel(Table, kind).RestartedAfterTheProof(seed), iter: 2_000);

    [Fact]
    public void One_person_alone_never_takes_over_by_force() =>
        Gen.Int[0, int.MaxValue - 1].Sample(seed => new FailoverModel(Table, kind: 1).ForcedByOne(seed), iter: 500);

    [Theory]
    [MemberData(nameof(Broken))]
    public void A_core_that_is_broken_on_purpose_is_found(string how)
    {
        var (table, broken) = Mutants.All[how];
        Exception? found = null;
        try
        {
            // The same stories every time, so that what finds a break once always does.
            Stories(50, (kind, seed) => new FailoverModel(table, kind, broken).RoundTrip(seed));
            Stories(50, (kind, seed) => new FailoverModel(table, kind, broken).SecondDisaster(seed));
            Stories(1_000, (kind, seed) => new FailoverModel(table, kind, broken).FencedTakeover(seed));
            Stories(400, (kind, seed) => new FailoverModel(table, kind & ~1, broken).RestartedAfterTheProof(seed));
            Stories(400, (kind, seed) => new FailoverModel(table, kind | 1, broken).LeaseTurnedOn(seed));
            Stories(50, (_, seed) => new FailoverModel(table, kind: 1, broken).ForcedByOne(seed));
            Stories(Cases, (kind, seed) => Play(table, (kind, Choices(seed, FailoverModel.Actions * 5_000, most: 90)), broken));
            Stories(Cases, (_, seed) => Array.ForEach(Choices(seed, MachineDriver.Choices, most: 120), MachineDriver.Of(seed % 32, table).Protected().Play));
        }
        catch (Exception exception)
        {
            found = exception;
        }

        found.ShouldNotBeNull($"nothing notices a core that {how}");
        (found is ShouldAssertException or Dr.Contracts.Errors.InvariantException).ShouldBeTrue($"it broke in another way: {found}");
        TestContext.Current.TestOutputHelper?.WriteLine($"{how}: {found.Message.Split('\n').LastOrDefault(l => l.Trim().Length > 0)?.Trim()}");
    }

    private static void Stories(int count, Action<int, int> play)
    {
        var random = new Random(count);
        for (var number = 0; number < count; number++)
        {
            play(number % 8, random.Next(1_000_000));
        }
    }

    private static int[] Choices(int seed, int different, int most)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, random.Next(most + 1)).Select(_ => random.Next(different))];
    }

    public static TheoryData<string> Broken => [.. Mutants.All.Keys];

    internal static void Play(TableIndex table, (int Kind, int[] Choices) history, Breakage broken)
    {
        var model = new FailoverModel(table, history.Kind, broken);
        Array.ForEach(history.Choices, model.Play);
        var end = model.Heal();
        (end is Phase.Protected or Phase.NeedsOperator).ShouldBeTrue($"it ended {end}: {string.Join("; ", model.Trace.TakeLast(30))}");
    }
}
