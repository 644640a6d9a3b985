using Dr.Contracts.Grains;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Silo.Storage;
using Dr.Silo.Tests.Support;
using Microsoft.Extensions.DependencyInjection;

namespace Dr.Silo.Tests.Grains;

/// <summary>Leases and what people order.</summary>
public sealed class OrderTests : ControlPlaneTests
{
    [Fact]
    public async Task Only_the_owner_at_its_epoch_is_granted_a_lease()
    {
        await ProtectAsync();

        (await LeaseAsync(World.Production, Epoch.First)).Granted.ShouldBeTrue();
        (await LeaseAsync(World.Backup, Epoch.First)).Granted.ShouldBeFalse();
        (await LeaseAsync(World.Production, new Epoch(2))).Granted.ShouldBeFalse();

        await Silo.Services.GetRequiredService<OwnershipLedger>().FenceAsync(ScriptedWorld.System, Epoch.First, CancellationToken.None);
        (await LeaseAsync(World.Production, Epoch.First)).Granted.ShouldBeFalse("the ledger says fencing, whatever this activation believes");
    }

    [Fact]
    public async Task An_activation_that_is_no_longer_the_granter_grants_nothing()
    {
        await ProtectAsync();

        await Silo.Services.GetRequiredService<OwnershipLedger>().BecomeGranterAsync(ScriptedWorld.System, "another activation", CancellationToken.None);

        (await LeaseAsync(World.Production, Epoch.First)).Granted.ShouldBeFalse();
    }

    [Fact]
    public async Task Orders_say_why_they_are_refused()
    {
        await ProtectAsync();

        var moved = await Silo.System.StartRunAsync(new StartRun { Kind = RunKind.Move, Actor = "test", Reason = "x", SeenEpoch = new Epoch(9) });
        var home = await Silo.System.StartRunAsync(new StartRun { Kind = RunKind.Failback, Actor = "test", Reason = "x" });
        var unknown = await Silo.System.DecideAsync(new RunDecision { Run = new RunId("none"), Verb = RunVerb.Commit, Actor = "test" });

        moved.Answer.ShouldBe(RunAnswer.EpochMoved);
        home.Answer.ShouldBe(RunAnswer.GuardsUnmet);
        home.UnmetGuards.ShouldNotBeEmpty();
        unknown.Answer.ShouldBe(RunAnswer.Unknown);
    }

    [Fact]
    public async Task The_same_order_twice_is_one_run_and_another_is_refused_while_it_is_live()
    {
        await ProtectAsync();
        World.Production.Swallows = command => command is StopSystem;
        var order = new StartRun { Kind = RunKind.Move, Actor = "test", Reason = "x", IdempotencyKey = "k" };

        var first = await Silo.System.StartRunAsync(order);
        var again = await Silo.System.StartRunAsync(order);
        var other = await Silo.System.StartRunAsync(order with { IdempotencyKey = "other" });

        (first.Answer, again.Answer, again.Run).ShouldBe((RunAnswer.Accepted, RunAnswer.Accepted, first.Run));
        (other.Answer, other.Run).ShouldBe((RunAnswer.OtherRunLive, first.Run));
    }

    [Fact]
    public async Task A_hold_has_an_end_keeps_automation_off_and_can_be_released()
    {
        await ProtectAsync();

        var endless = await Silo.System.OrderAsync(new SystemOrder { Verb = SystemVerb.Hold, Actor = "li", Reason = "work on the rack" });
        var held = await Silo.System.OrderAsync(new SystemOrder { Verb = SystemVerb.Hold, Actor = "li", Reason = "work on the rack", Until = DateTimeOffset.UtcNow.AddHours(1) });
        var view = await Silo.PhaseAsync(Phase.Held);
        World.Production.Runs = false;
        var order = await Silo.System.StartRunAsync(new StartRun { Kind = RunKind.Failover, Actor = "test", Reason = "x" });

        endless.Answer.ShouldBe(RunAnswer.GuardsUnmet);
        (held.Answer, order.Answer).ShouldBe((RunAnswer.Accepted, RunAnswer.GuardsUnmet));
        view.Until.ShouldNotBeNull().ShouldBeGreaterThan(DateTimeOffset.UtcNow.AddMinutes(50), "people see when it ends");
        (await Silo.System.OrderAsync(new SystemOrder { Verb = SystemVerb.Release, Actor = "li", Reason = "done" })).Answer.ShouldBe(RunAnswer.Accepted);
        await Silo.PhaseAsync(Phase.Protected);
    }

    [Fact]
    public async Task Taking_over_by_force_takes_two_people_who_say_what_they_saw()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("DR_SILO_CHAINS") == "1", "DR_SILO_CHAINS=1 runs whole takeovers (about 45 s)");
        await RestartAsync(s => s with { Lease = false, Approval = ApprovalMode.Person });
        await ProtectAsync();
        World.Production.PowerOff();
        SystemOrder Force(string who, string saw) => new() { Verb = SystemVerb.Force, Actor = who, Reason = "the room burns", Statement = saw };

        var first = await Silo.System.OrderAsync(Force("wang", "the rack is dark"));
        var again = await Silo.System.OrderAsync(Force("Wang", "very dark"));
        (first.Answer, again.Answer).ShouldBe((RunAnswer.Accepted, RunAnswer.GuardsUnmet));
        again.Message.ShouldContain("another person");
        (await Silo.ViewAsync()).Epoch.ShouldBe(Epoch.First);

        (await Silo.System.OrderAsync(Force("li", "I pulled the plug"))).Message.ShouldContain("Two people");
        var trial = await Silo.PhaseAsync(Phase.OnTrial);
        trial.Epoch.ShouldBe(new Epoch(2));
        var run = (await Silo.UntilAsync("the journal to tell of it", v => v.LiveRun!.Facts.ContainsKey("servingAt"))).LiveRun!;
        run.Facts["fencingProof"].ShouldStartWith("Attested");
        run.Facts["attestation"].ShouldContain("I pulled the plug");
    }

    [Fact]
    public async Task A_person_is_asked_where_policy_says_so_and_the_approval_is_on_record()
    {
        await RestartAsync(s => s with { Approval = ApprovalMode.Person });
        await ProtectAsync();
        World.Production.PowerOff();

        var asked = await Silo.UntilAsync("a person to be asked", v => v.LiveRun?.State == RunState.WaitingForApproval);
        asked.Reason.ShouldNotBeNull().ShouldContain("approval");
        (asked.Epoch, World.Backup.Role).ShouldBe((Epoch.First, VolumeRole.Replica));

        // Ordering what the detector has begun approves it: the same run, once, and nobody else's.
        var order = new StartRun { Kind = RunKind.Failover, Actor = "li", Reason = "it is dark there", IdempotencyKey = "k" };
        var (first, again, other) = (await Silo.System.StartRunAsync(order), await Silo.System.StartRunAsync(order), await Silo.System.StartRunAsync(order with { Actor = "wang" }));
        (first.Answer, first.Run, again.Answer, again.Run).ShouldBe((RunAnswer.Accepted, asked.LiveRun!.Id, RunAnswer.Accepted, asked.LiveRun.Id));
        other.Answer.ShouldBe(RunAnswer.OtherRunLive);
        (await Silo.PhaseAsync(Phase.OnTrial)).LiveRun!.Facts["approvedBy"].ShouldBe("li");
    }
}
