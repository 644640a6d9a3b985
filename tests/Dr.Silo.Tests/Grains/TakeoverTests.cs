using Dr.Contracts.Grains;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Silo.Storage;
using Dr.Silo.Tests.Support;
using Microsoft.Extensions.DependencyInjection;

namespace Dr.Silo.Tests.Grains;

/// <summary>Whole chains: lost site, line, repoint, repair.</summary>
public sealed class TakeoverTests : ControlPlaneTests
{
    [Fact]
    public async Task A_lost_site_is_taken_over_and_brought_home_without_two_writers()
    {
        await ProtectAsync();
        World.Production.PowerOff();

        var trial = await Silo.PhaseAsync(Phase.OnTrial);
        (trial.Epoch, trial.Site).ShouldBe((new Epoch(2), World.Backup.Site));
        await Silo.UntilAsync("the kiosk that follows it to be told", _ => World.ToldTo("kiosk-1") == new ActiveSite(World.Backup.Site, new Epoch(2)));
        var run = (await Silo.UntilAsync("the journal to tell of it", v => v.LiveRun!.Facts.ContainsKey("servingAt"))).LiveRun!;
        run.Facts.Keys.ShouldBe(["detectedAt", "fencingProof", "lastLeaseGranted", "leaseLapsesAt", "ownership", "predictedLossBasis", "predictedLossSeconds", "servingAt", "verdict"], ignoreOrder: true);
        run.Facts["fencingProof"].ShouldStartWith("LeaseLapsed");
        run.Steps.Where(s => s.State == StepState.Done).Select(s => s.Step).ShouldBe(["ClaimOwnership", "PromoteCopy", "StartSystem", "ApplyNetwork", "CheckSystem"]);
        (World.Backup.Runs, World.Backup.HasNetwork, World.Backup.Role).ShouldBe((true, true, VolumeRole.Primary));

        (await Silo.System.DecideAsync(new RunDecision { Run = run.Id, Verb = RunVerb.Commit, Actor = "test" })).Answer.ShouldBe(RunAnswer.Accepted);
        await Silo.PhaseAsync(Phase.FailedOver);
        World.Production.PowerOn();
        await Silo.PhaseAsync(Phase.FailbackReady);

        var back = await Silo.System.StartRunAsync(new StartRun { Kind = RunKind.Failback, Actor = "test", Reason = "repaired", SeenEpoch = new Epoch(2), IdempotencyKey = "home" });
        back.Answer.ShouldBe(RunAnswer.Accepted, back.Message + string.Join(' ', back.UnmetGuards));
        var home = await Silo.PhaseAsync(Phase.Protected);

        (home.Epoch, home.Site).ShouldBe((new Epoch(3), World.Production.Site));
        (World.Production.Role, World.Production.Runs, World.Backup.Runs).ShouldBe((VolumeRole.Primary, true, false));
        World.DoubleWriters.ShouldBeEmpty();
        await Silo.UntilAsync("the kiosk to be told that it is home", _ => World.ToldTo("kiosk-1") == new ActiveSite(World.Production.Site, new Epoch(3)));
        World.ToldTo("kiosk-2").ShouldBeNull("it follows nobody");
        (await Silo.Services.GetRequiredService<AuditLog>().FirstBrokenAsync(CancellationToken.None)).ShouldBeNull();
        var journal = await ClosedAsync(back.Run!.Value);
        (journal.Kind, journal.State).ShouldBe((RunKind.Failback, RunState.Done));
        journal.Facts["finalDigest"].ShouldBe("sha-of-100");
    }

    [Fact]
    public async Task Silence_while_the_kiosks_are_served_is_a_line_and_moves_nothing()
    {
        await ProtectAsync();
        World.KiosksReach = true;
        World.Production.PowerOff();

        await Silo.PhaseAsync(Phase.Suspect);
        await Silo.PhaseAsync(Phase.Protected);

        (await Silo.ViewAsync()).Epoch.ShouldBe(Epoch.First);
        World.Backup.Role.ShouldBe(VolumeRole.Replica);
    }

    [Fact]
    public async Task A_system_that_can_be_repointed_only_moves_its_network()
    {
        await RestartAsync(s => s with { Class = TakeoverClass.R, Volume = null, VolumeSizeBytes = null });
        (World.Production.Runs, World.Backup.Runs) = (true, true);
        await Silo.PhaseAsync(Phase.Protected);
        await Silo.UntilAsync("production to be heard running", v => v.Conditions.Single(c => c.Kind == "Serving").Holds == true);
        World.KiosksReach = false;
        World.Production.PowerOff();

        var trial = await Silo.PhaseAsync(Phase.OnTrial);

        (trial.Epoch, trial.Site, World.Backup.HasNetwork).ShouldBe((new Epoch(2), World.Backup.Site, true));
        World.Backup.Executed.ShouldAllBe(c => c is ApplyNetwork || c is CheckSystem);
    }

    [Fact]
    public async Task A_stopped_application_is_started_where_it_is_and_the_epoch_stays()
    {
        await ProtectAsync();
        await Silo.UntilAsync("the silo to remember that it served", v => v.Conditions.Single(c => c.Kind == "Serving").Holds == true);
        World.Production.Runs = false;
        World.Production.HasNetwork.ShouldBeFalse("as after a power cut: the machine has forgotten the system's address");

        await Silo.UntilAsync("the application to be started again, and its users let in", _ => World.Production is { Runs: true, HasNetwork: true });

        World.Production.Executed.OfType<StartSystem>().Single().Epoch.ShouldBe(Epoch.First);
        (await Silo.ViewAsync()).Epoch.ShouldBe(Epoch.First);
    }
}
