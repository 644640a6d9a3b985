using Dr.Contracts.Grains;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Silo.Storage;
using Dr.Silo.Tests.Support;
using Microsoft.Extensions.DependencyInjection;

namespace Dr.Silo.Tests.Grains;

/// <summary>Whole chains through the real grains, the real machine and a real database, against scripted devices.</summary>
public sealed class FailoverTests : IAsyncLifetime
{
    private readonly TempDirectory _directory = new();
    private readonly ScriptedWorld _world = new();
    private TestSilo _silo = null!;

    public async ValueTask InitializeAsync() => _silo = await TestSilo.StartAsync(new SqliteDatabase(_directory.File("silo.db")), _world);

    public async ValueTask DisposeAsync()
    {
        await _silo.DisposeAsync();
        await _world.DisposeAsync();
        _directory.Dispose();
    }

    [Fact]
    public async Task A_lost_site_is_taken_over_and_brought_home_without_two_writers()
    {
        await ProtectAsync();
        _world.Production.PowerOff();

        var trial = await _silo.PhaseAsync(Phase.OnTrial);
        (trial.Epoch, trial.Site).ShouldBe((new Epoch(2), _world.Backup.Site));
        var run = trial.LiveRun!;
        run.Facts.Keys.ShouldBe(["detectedAt", "fencingProof", "ownership", "predictedLossBasis", "predictedLossSeconds", "servingAt", "verdict"], ignoreOrder: true);
        run.Facts["fencingProof"].ShouldStartWith("LeaseLapsed");
        run.Steps.Where(s => s.State == StepState.Done).Select(s => s.Step).ShouldBe(["ClaimOwnership", "PromoteCopy", "StartSystem", "ApplyNetwork", "CheckSystem"]);
        (_world.Backup.Runs, _world.Backup.HasNetwork, _world.Backup.Role).ShouldBe((true, true, VolumeRole.Primary));

        (await _silo.System.DecideAsync(new RunDecision { Run = run.Id, Verb = RunVerb.Commit, Actor = "test" })).Answer.ShouldBe(RunAnswer.Accepted);
        await _silo.PhaseAsync(Phase.FailedOver);
        _world.Production.PowerOn();
        await _silo.PhaseAsync(Phase.FailbackReady);

        var back = await _silo.System.StartRunAsync(new StartRun { Kind = RunKind.Failback, Actor = "test", Reason = "repaired", SeenEpoch = new Epoch(2), IdempotencyKey = "home" });
        back.Answer.ShouldBe(RunAnswer.Accepted, back.Message + string.Join(' ', back.UnmetGuards));
        var home = await _silo.PhaseAsync(Phase.Protected);

        (home.Epoch, home.Site).ShouldBe((new Epoch(3), _world.Production.Site));
        (_world.Production.Role, _world.Production.Runs, _world.Backup.Runs).ShouldBe((VolumeRole.Primary, true, false));
        _world.DoubleWriters.ShouldBeEmpty();
        (await _silo.Services.GetRequiredService<AuditLog>().FirstBrokenAsync(CancellationToken.None)).ShouldBeNull();
        var journal = await ClosedAsync(back.Run!.Value);
        (journal.Kind, journal.State).ShouldBe((RunKind.Failback, RunState.Done));
        journal.Facts["finalDigest"].ShouldBe("sha-of-100");
    }

    [Fact]
    public async Task Silence_while_the_kiosks_are_served_is_a_line_and_moves_nothing()
    {
        await ProtectAsync();
        _world.KiosksReachProduction = true;
        _world.Production.PowerOff();

        await _silo.PhaseAsync(Phase.Suspect);
        await _silo.PhaseAsync(Phase.Protected);

        (await _silo.ViewAsync()).Epoch.ShouldBe(Epoch.First);
        _world.Backup.Role.ShouldBe(VolumeRole.Replica);
    }

    [Fact]
    public async Task A_restart_in_the_middle_of_a_takeover_goes_on_with_the_same_run_and_starts_nothing_twice()
    {
        await ProtectAsync();
        _world.Backup.Swallows = command => command is StartSystem;
        _world.Production.PowerOff();
        var run = (await _silo.PhaseAsync(Phase.Starting)).LiveRun!.Id;

        await _silo.DisposeAsync();
        _world.Backup.Swallows = _ => false;
        _silo = await TestSilo.StartAsync(new SqliteDatabase(_directory.File("silo.db")), _world);

        var trial = await _silo.PhaseAsync(Phase.OnTrial);
        (trial.LiveRun!.Id, trial.Epoch).ShouldBe((run, new Epoch(2)));
        _world.Backup.Executed.OfType<PromoteVolume>().Count().ShouldBe(1);
        _world.Backup.Executed.OfType<StartSystem>().Count().ShouldBe(1);
        _world.DoubleWriters.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_restart_while_fencing_waits_a_whole_lease_again_and_then_takes_over()
    {
        await ProtectAsync();
        _world.Production.PowerOff();
        await _silo.PhaseAsync(Phase.Fencing);

        await _silo.DisposeAsync();
        _silo = await TestSilo.StartAsync(new SqliteDatabase(_directory.File("silo.db")), _world);

        (await _silo.PhaseAsync(Phase.OnTrial)).Epoch.ShouldBe(new Epoch(2));
        _world.DoubleWriters.ShouldBeEmpty();
    }

    [Fact]
    public async Task Only_the_owner_at_its_epoch_is_granted_a_lease()
    {
        await ProtectAsync();

        (await LeaseAsync(_world.Production, Epoch.First)).Granted.ShouldBeTrue();
        (await LeaseAsync(_world.Backup, Epoch.First)).Granted.ShouldBeFalse();
        (await LeaseAsync(_world.Production, new Epoch(2))).Granted.ShouldBeFalse();

        await _silo.Services.GetRequiredService<OwnershipLedger>().FenceAsync(ScriptedWorld.System, Epoch.First, CancellationToken.None);
        (await LeaseAsync(_world.Production, Epoch.First)).Granted.ShouldBeFalse("the ledger says fencing, whatever this activation believes");
    }

    [Fact]
    public async Task An_activation_that_is_no_longer_the_granter_grants_nothing()
    {
        await ProtectAsync();

        await _silo.Services.GetRequiredService<OwnershipLedger>().BecomeGranterAsync(ScriptedWorld.System, "another activation", CancellationToken.None);

        (await LeaseAsync(_world.Production, Epoch.First)).Granted.ShouldBeFalse();
    }

    [Fact]
    public async Task Orders_say_why_they_are_refused()
    {
        await ProtectAsync();

        var moved = await _silo.System.StartRunAsync(new StartRun { Kind = RunKind.Move, Actor = "test", Reason = "x", SeenEpoch = new Epoch(9) });
        var home = await _silo.System.StartRunAsync(new StartRun { Kind = RunKind.Failback, Actor = "test", Reason = "x" });
        var unknown = await _silo.System.DecideAsync(new RunDecision { Run = new RunId("none"), Verb = RunVerb.Commit, Actor = "test" });

        moved.Answer.ShouldBe(RunAnswer.EpochMoved);
        home.Answer.ShouldBe(RunAnswer.GuardsUnmet);
        home.UnmetGuards.ShouldNotBeEmpty();
        unknown.Answer.ShouldBe(RunAnswer.Unknown);
    }

    [Fact]
    public async Task The_same_order_twice_is_one_run_and_another_is_refused_while_it_is_live()
    {
        await ProtectAsync();
        _world.Production.Swallows = command => command is StopSystem;
        var order = new StartRun { Kind = RunKind.Move, Actor = "test", Reason = "x", IdempotencyKey = "k" };

        var first = await _silo.System.StartRunAsync(order);
        var again = await _silo.System.StartRunAsync(order);
        var other = await _silo.System.StartRunAsync(order with { IdempotencyKey = "other" });

        (first.Answer, again.Answer, again.Run).ShouldBe((RunAnswer.Accepted, RunAnswer.Accepted, first.Run));
        (other.Answer, other.Run).ShouldBe((RunAnswer.OtherRunLive, first.Run));
    }

    [Fact]
    public async Task Points_are_taken_by_schedule_at_the_owner()
    {
        await ProtectAsync();

        await _silo.UntilAsync("two scheduled points", _ => _world.Production.Executed.OfType<TakePoint>().Count() >= 2);

        _world.Production.Executed.OfType<TakePoint>().ShouldAllBe(p => p.Quiesce && p.Epoch == Epoch.First);
        _world.Backup.Executed.OfType<TakePoint>().ShouldBeEmpty();
    }

    /// <summary>The journal is written after the state that it tells of.</summary>
    private async Task<RunView> ClosedAsync(RunId run)
    {
        RunView? view = null;
        await _silo.UntilAsync($"run {run} to be closed", _ => view?.FinishedAt is not null, 20, async () => view = await _silo.Grains.GetGrain<IRunGrain>(run.Value).GetAsync());
        return view!;
    }

    private Task<LeaseGrant> LeaseAsync(ScriptedDevice device, Epoch epoch) =>
        _silo.System.RenewLeaseAsync(device.Id, new LeaseRequest { System = ScriptedWorld.System, Epoch = epoch });

    /// <summary>From nothing to protected: the control plane makes the volume and the copy; the operator starts the system.</summary>
    private async Task ProtectAsync()
    {
        await _silo.UntilAsync("the volume to be made", _ => _world.Production.Role == VolumeRole.Primary);
        _world.Production.Runs = true;
        await _silo.PhaseAsync(Phase.Protected);
        await _silo.UntilAsync("production to be seen serving with its lease", v => _world.Production.MayWrite && v.Conditions.Single(c => c.Kind == "Serving").Holds == true);
    }
}
