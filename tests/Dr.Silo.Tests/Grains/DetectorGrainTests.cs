using Dr.Contracts.Grains;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Silo.Decisions.Detection;
using Dr.Silo.Grains;
using Dr.Silo.Storage;
using Dr.Silo.Tests.Support;
using Microsoft.Extensions.DependencyInjection;

namespace Dr.Silo.Tests.Grains;

/// <summary>The detector in the real grains: synthetic kills touch nobody's ownership, findings leave their evidence.</summary>
public sealed class DetectorGrainTests : ControlPlaneTests
{
    [Fact]
    public async Task A_synthetic_kill_is_measured_and_touches_neither_leases_nor_ownership()
    {
        await ProtectAsync();
        var device = Silo.Grains.GetGrain<IDeviceGrain>(World.Production.Id.Value);
        var heard = (await device.GetAsync()).LastHeard!.Value;
        var started = await device.TestDetectionAsync("mei");
        (await device.TestDetectionAsync("li")).Id.ShouldBe(started.Id, "one at a time");
        DetectionTest test = started;
        await Silo.UntilAsync(
            "the stop to be suspected",
            view =>
            {
                view.Phase.ShouldBe(nameof(Phase.Protected), "nothing may come of a test");
                return test is { IsOver: true, Problem: null };
            },
            look: async () =>
            {
                (await LeaseAsync(World.Production, Epoch.First)).Granted.ShouldBeTrue("the lease must go on");
                test = (await device.GetTestAsync())!;
                if (test.Problem is { } problem)
                {
                    // On a machine with late ticks that is what it has to say, and it is asked again.
                    problem.ShouldContain("had trouble of its own");
                    heard = (await device.GetAsync()).LastHeard!.Value;
                    test = await device.TestDetectionAsync("mei");
                }
            });

        test.Class.ShouldBe("host");
        (test.SuspectedAt!.Value - heard).ShouldBeGreaterThanOrEqualTo(BeatClass.Host.Alpha(HourClass.Busy), "that much is allowed on top of the expected arrival");
        test.SuspectedAt.Value.ShouldBeGreaterThan(test.StoppedAt!.Value);
        (await device.GetAsync()).Presence.ShouldBe(Presence.Alive);
        (await Silo.ViewAsync()).Epoch.ShouldBe(Epoch.First);
        Silo.Services.GetRequiredService<DetectorBook>().Classes["host"].DetectionSeconds.ShouldHaveSingleItem().ShouldBe(test.Seconds!.Value);
        var fleet = Silo.Grains.GetGrain<IFleetGrain>(IFleetGrain.Key);
        DetectorView? seen = null;
        await Silo.UntilAsync("the fleet to know", _ => seen?.Classes.Single(c => c.Class == "host").Tests == 1, look: async () => seen = await fleet.GetAsync());
        seen!.Devices.ShouldBe(4);
    }

    [Fact]
    public async Task A_device_that_does_not_know_the_command_or_is_not_heard_ends_the_test_with_a_reason()
    {
        await ProtectAsync();
        World.Production.Swallows = c => c is TestDetection;
        var device = Silo.Grains.GetGrain<IDeviceGrain>(World.Production.Id.Value);
        await device.TestDetectionAsync("mei");
        DetectionTest? test = null;
        await Silo.UntilAsync("the test to end", _ => test is { IsOver: true }, look: async () => test = await device.GetTestAsync());
        test!.Problem!.ShouldContain("did not begin");
        (await Silo.Grains.GetGrain<IDeviceGrain>("nobody").TestDetectionAsync("mei")).Problem!.ShouldContain("not heard");
    }

    [Fact]
    public async Task A_lost_owner_leaves_a_bundle_that_the_decision_names()
    {
        await ProtectAsync();
        World.Production.PowerOff();
        await Silo.PhaseAsync(Phase.OnTrial);
        var bundles = await Silo.Services.GetRequiredService<EvidenceStore>().ListAsync(ScriptedWorld.System.Value, 10, CancellationToken.None);
        // Newest first. On a machine with late ticks the control plane judges nobody at first, keeps that too, and looks again.
        bundles.Skip(1).ShouldAllBe(b => b.Scope == nameof(FaultScope.Unjudged));
        var bundle = bundles[0];
        (bundle.Suspect, bundle.ProbesAnswered, bundle.Epoch).ShouldBe((World.Production.Id, 0, Epoch.First));
        bundle.ProbesSent.ShouldBeGreaterThan(2);
        bundle.IndependentKinds.ShouldBe(2);
        bundle.Witnesses.Count(w => !w.Reachable).ShouldBe(2);
        bundle.Phi!.Value.ShouldBeGreaterThan(1);
        (await Silo.Services.GetRequiredService<EvidenceStore>().FindAsync(bundle.Id, CancellationToken.None))!.Reasons.ShouldBe(bundle.Reasons);
        var audit = await Silo.Services.GetRequiredService<AuditLog>().ReadAsync(0, 200, null, CancellationToken.None);
        audit.ShouldContain(a => a.Text.Contains(bundle.Id, StringComparison.Ordinal) || a.Evidence.Values.Any(v => v.Contains(bundle.Id, StringComparison.Ordinal)), "the decision names its evidence");
    }
}
