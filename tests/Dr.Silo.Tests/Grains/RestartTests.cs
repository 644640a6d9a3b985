using Dr.Contracts.Grains;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
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
    public async Task Points_are_taken_by_schedule_at_the_owner()
    {
        await ProtectAsync();

        await Silo.UntilAsync("two scheduled points", _ => World.Production.Executed.OfType<TakePoint>().Count() >= 2);

        World.Production.Executed.OfType<TakePoint>().ShouldAllBe(p => p.Quiesce && p.Epoch == Epoch.First);
        World.Backup.Executed.OfType<TakePoint>().ShouldBeEmpty();
    }
}
