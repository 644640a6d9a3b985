using CsCheck;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Contracts.Policy;
using Dr.Silo.Decisions.Backups;

namespace Dr.Silo.Tests.Decisions;

/// <summary>Backups under random answers, silence, moves of ownership and lost results.</summary>
public sealed class BackupMachineProperties
{
    private static readonly DateTimeOffset Start = new(2026, 3, 1, 9, 0, 0, TimeSpan.Zero);

    private static readonly BackupPolicy Policy = new()
    {
        Name = "1",
        Systems = [new SystemId("dilas")],
        Kind = BusinessKind.RealTime,
        Periods = new PolicyPeriods { Full = TimeSpan.FromDays(1), Incremental = TimeSpan.FromMinutes(5), Differential = TimeSpan.FromMinutes(30), Application = TimeSpan.FromHours(1) },
        Bandwidth = new BandwidthClass("internet", 5, false),
        Targets = new PolicyTargets(),
    };

    private enum Fate
    {
        Works,
        Fails,
        Silent,
        DigestDiffers,
        NotReady,
        Moves,
        Repeats,
    }

    private static readonly int[] Waits = [1, 5, 60, 300, 3600, 20_000, 90_000];

    private static readonly Gen<(Fate Fate, int Seconds)> GenStep = Gen.Select(
        Gen.Frequency((60, Gen.Const(Fate.Works)), (8, Gen.Const(Fate.Fails)), (4, Gen.Const(Fate.Silent)), (6, Gen.Const(Fate.DigestDiffers)), (4, Gen.Const(Fate.NotReady)), (2, Gen.Const(Fate.Moves)), (8, Gen.Const(Fate.Repeats))),
        Gen.Int[0, Waits.Length - 1].Select(i => Waits[i]));

    [Fact]
    public void Whatever_fails_no_lane_has_two_jobs_and_the_last_proven_full_stays_held() => Gen.Select(GenStep.Array[1, 80], Gen.Bool).Sample(
        (steps, hasPeer) =>
        {
            var world = new World(hasPeer);
            foreach (var (fate, seconds) in steps)
            {
                world.Step(fate, seconds);
                world.State.Live.GroupBy(j => j.Kind == BackupKind.Full).ShouldAllBe(g => g.Count() == 1);
                if (world.State.LastFull is { } full)
                {
                    full.VerifiedAt.ShouldNotBeNull();
                    full.Digest.ShouldBe(World.Good);
                    world.State.Held.ShouldContain(full.Point, "the last proven full must be held");
                    world.Released.ShouldNotContain(full.Point, "the last proven full was let go");
                }
            }

            world.State.Records.Count.ShouldBeLessThanOrEqualTo(BackupMachine.RecordsKept + 1);
        },
        iter: 10_000);

    [Fact]
    public void When_all_goes_well_again_every_kind_is_brought_about() => Gen.Select(GenStep.Array[0, 30], Gen.Bool).Sample(
        (steps, hasPeer) =>
        {
            var world = new World(hasPeer);
            foreach (var (fate, seconds) in steps)
            {
                world.Step(fate, seconds);
            }

            var healed = world.Now;
            for (var i = 0; i < 400; i++)
            {
                world.Step(Fate.Works, 600);
            }

            foreach (var kind in Enum.GetValues<BackupKind>())
            {
                world.State.LastRuns[kind].ShouldBeGreaterThan(healed, $"{kind} was not brought about");
            }

            world.State.Troubles.ShouldBeEmpty();
while (world.State.Live.Any(l => l.Kind == BackupKind.Full))
            {
                world.Step(Fate.Works, 1);
            }

            world.State.Held.ShouldHaveSingleItem().ShouldBe(world.State.LastFull!.Point);
        },
        iter: 1_000);

    [Fact]
    public void Images_that_differ_are_no_full_and_the_point_is_let_go()
    {
        var world = new World(hasPeer: true);
        for (var i = 0; i < 8; i++)
        {
            world.Step(Fate.DigestDiffers, 5);
        }

        world.State.LastFull.ShouldBeNull();
        world.State.Troubles[BackupKind.Full].Reason.ShouldContain("copies differ");
        world.State.Held.ShouldBeEmpty();
    }

    [Fact]
    public void A_point_that_was_not_made_consistent_as_asked_is_a_failure()
    {
        var state = BackupMachine.Step(BackupState.Empty, World.FactsOf(true, true, Epoch.First), Start).State;
        var job = state.Live[0];
        var heard = BackupMachine.Heard(state, World.Result(job.Pending!.Value, ("point", new PointId(1).Value), ("sequence", "1"), ("consistency", "Crash"), ("reason", "postgresql: not quiet")), "postgresql", Start);
        heard.Troubles[job.Kind].Reason.ShouldContain("not consistent by postgresql");
    }

    private sealed class World(bool hasPeer)
    {
        public const string Good = "same";

        private long _points;
        private Epoch _epoch = Epoch.First;
        private CommandResult? _last;

        public BackupState State { get; private set; } = BackupState.Empty;

        public DateTimeOffset Now { get; private set; } = Start;

        public HashSet<PointId> Released { get; } = [];

        public void Step(Fate fate, int seconds)
        {
            if (fate == Fate.Moves)
            {
                _epoch = _epoch.Next;
            }

            var (state, orders) = BackupMachine.Step(State, FactsOf(hasPeer, fate != Fate.NotReady, _epoch), Now);
            State = state;
            foreach (var order in orders)
            {
                if (fate == Fate.Silent)
                {
                    continue;
                }

                if (order.Step is BackupStep.Release or BackupStep.ReleaseThere)
                {
                    Released.Add(order.Point!.Value);
                }

                _last = fate == Fate.Fails ? new CommandResult { Id = order.Id, Outcome = CommandOutcome.Failed, Detail = "no" } : Answer(order, fate);
                State = BackupMachine.Heard(State, _last, QuiesceMode.Host, Now);
            }

            if (fate == Fate.Repeats && _last is not null)
            {
                var before = State;
                State = BackupMachine.Heard(State, _last, QuiesceMode.Host, Now);
                State.ShouldBeSameAs(before, "a repeated result changed something");
            }

            Now += TimeSpan.FromSeconds(seconds);
        }

        public static BackupFacts FactsOf(bool hasPeer, bool ready, Epoch epoch) => new(
            "dilas", Policy, OpeningCalendar.Default, new DeviceId("prod-1"), epoch, hasPeer ? "10.0.0.2:4000" : null, hasPeer ? new DeviceId("back-1") : null, ready, null);

        public static CommandResult Result(CommandId id, params (string, string)[] evidence) =>
            new() { Id = id, Outcome = CommandOutcome.Done, Evidence = evidence.ToDictionary(e => e.Item1, e => e.Item2), FinishedAt = Start };

        private CommandResult Answer(BackupOrder order, Fate fate) => order.Step switch
        {
            BackupStep.Point => Result(order.Id, ("point", new PointId((ulong)++_points).Value), ("sequence", $"{_points}"), ("consistency", "Crash")),
            BackupStep.DigestHere => Result(order.Id, ("digest", Good)),
            BackupStep.DigestThere => Result(order.Id, ("digest", fate == Fate.DigestDiffers ? "other" : Good)),
            _ => Result(order.Id),
        };
    }
}
