using Dr.Contracts.Grains;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Silo.Decisions.Detection;
using Dr.Silo.Decisions.Failover;
using Dr.Silo.Storage;
using Dr.Silo.Tests.Support;
using Microsoft.Extensions.DependencyInjection;

namespace Dr.Silo.Tests.Grains;

/// <summary>The control plane stops in the middle and goes on.</summary>
public sealed class RestartTests : ControlPlaneTests
{
    [Fact]
    public async Task A_restart_in_the_middle_of_a_takeover_goes_on_with_the_same_run_and_starts_nothing_twice()
    {
        await ProtectAsync();
        World.Backup.Swallows = command => command is StartSystem;
        World.Production.PowerOff();
        var run = (await Silo.PhaseAsync(Phase.Starting)).LiveRun!.Id;

        World.Backup.Swallows = _ => false;
        await RestartAsync();

        var trial = await Silo.PhaseAsync(Phase.OnTrial);
        (trial.LiveRun!.Id, trial.Epoch).ShouldBe((run, new Epoch(2)));
        World.Backup.Executed.OfType<PromoteVolume>().Count().ShouldBe(1);
        World.Backup.Executed.OfType<StartSystem>().Count().ShouldBe(1);
        World.DoubleWriters.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_restart_while_fencing_waits_a_whole_lease_again_and_then_takes_over()
    {
        await ProtectAsync();
        World.Production.PowerOff();
        await Silo.PhaseAsync(Phase.Fencing);

        await RestartAsync();

        (await Silo.PhaseAsync(Phase.OnTrial)).Epoch.ShouldBe(new Epoch(2));
        World.DoubleWriters.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_restart_while_it_suspects_judges_nobody_before_it_has_listened_and_then_takes_over_in_one_run()
    {
        await ProtectAsync();
        World.Production.PowerOff();
        await Silo.PhaseAsync(Phase.Suspect);

        await Silo.DisposeAsync();
        var away = TimeProvider.System.GetUtcNow();
        await RestartAsync();

        (await Silo.PhaseAsync(Phase.OnTrial)).Epoch.ShouldBe(new Epoch(2), "a run that is called off uses up a number");
        var found = await Silo.Services.GetRequiredService<EvidenceStore>().ListAsync(ScriptedWorld.System.Value, 100, CancellationToken.None);
        var listens = BeatClass.Host.IdleDeadline * 2;
        found.Where(e => e.At > away && e.At - away < listens).ShouldAllBe(e => e.Scope == nameof(FaultScope.Unjudged), "nobody was heard since the restart, so nobody is called well, dead or cut off");
        found.Where(e => e.At > away).Skip(1).ShouldAllBe(e => e.Scope == nameof(FaultScope.Unjudged));
        found[0].Scope.ShouldBe(nameof(FaultScope.Device));
    }

    /// <summary>A minute, so only with <c>DR_SILO_CHAINS=1</c>; the rule itself is held by the model.</summary>
    [Fact]
    public async Task A_proof_from_long_before_the_restart_waits_for_the_copy_as_well()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("DR_SILO_CHAINS") == "1", "DR_SILO_CHAINS=1 waits out a control plane that is away");
        static SystemSettings Slow(SystemSettings settings) => settings with { LeaseTtl = TimeSpan.FromSeconds(20) };
        await RestartAsync(Slow);
        await ProtectAsync();
        World.Production.PowerOff();
        await Silo.PhaseAsync(Phase.Fencing);
        World.Backup.PowerOff();
        var fenced = await Silo.UntilAsync("the proof, with the copy out of hearing", v => v.LiveRun!.Facts.ContainsKey("fencingProof"));
        fenced.Phase.ShouldBe(nameof(Phase.Fencing), "nothing is claimed while the copy is out of hearing");
        await RestartAsync(Slow, away: Budgets.CatchUp + TimeSpan.FromSeconds(1));

        await Task.Delay(TimeSpan.FromSeconds(2), CancellationToken.None);
        World.Backup.PowerOn();

        (await Silo.PhaseAsync(Phase.OnTrial)).Epoch.ShouldBe(new Epoch(2));
    }

    [Fact]
    public async Task Points_are_taken_by_schedule_at_the_owner_and_each_is_an_event()
    {
        await ProtectAsync();

        await Silo.UntilAsync("two scheduled points", _ => World.Production.Executed.OfType<TakePoint>().Count() >= 2);
        IReadOnlyList<EventRecord> told = [];
        await Silo.UntilAsync("their events", _ => told.Count >= 2, look: async () =>
            told = await Silo.Services.GetRequiredService<EventLog>().ReadAsync(0, 500, new EventFilter(ScriptedWorld.Volume, "volume.point"), CancellationToken.None));
        told.Select(e => e.Data["command"]).Take(2).ShouldBe(World.Production.Executed.OfType<TakePoint>().Select(p => p.Id.Value).Take(2));

        World.Production.Executed.OfType<TakePoint>().ShouldAllBe(p => p.Quiesce && p.Epoch == Epoch.First);
        World.Backup.Executed.OfType<TakePoint>().ShouldBeEmpty();
    }
}
