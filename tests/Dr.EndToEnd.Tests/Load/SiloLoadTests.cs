using System.Globalization;
using Dr.EndToEnd.Tests.Link;
using Dr.EndToEnd.Tests.WebConsole;
using Dr.Simulator.Load;

namespace Dr.EndToEnd.Tests.Load;

/// <summary>
/// The fleet of <c>dr-sim load</c> on a real Mosquitto with a real control plane behind it: outages and a storm, every beat heard and answered. <c>DR_LOAD=3000</c> says how many devices,
/// <c>DR_LOAD_SECONDS=60</c> for how long they are followed.
/// </summary>
[Collection("whole machine")]
public sealed class SiloLoadTests(ITestOutputHelper output)
{
    [Fact]
    public async Task A_control_plane_hears_a_fleet_through_outages_and_a_storm_and_suspects_nobody_who_lives()
    {
        var devices = Number("DR_LOAD", 0);
        Assert.SkipUnless(devices > 0, "DR_LOAD=3000 puts that many devices with connections of their own on a real control plane");
        await using var broker = new Mosquitto();
        await broker.StartAsync();
        await using var silo = await RunningSilo.StartOnAsync(broker.Address, "sites: [ {id: production}, {id: backup}, {id: street} ]\n");
        var plan = new LoadPlan { Devices = devices, Beat = TimeSpan.FromSeconds(10), Duration = TimeSpan.FromSeconds(Number("DR_LOAD_SECONDS", 60)), Broker = broker.Address };
        var summary = await LoadFleet.RunAsync(plan, null, TimeProvider.System, TestContext.Current.CancellationToken);
        output.WriteLine(summary.ToText());
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  control plane {silo.MemoryMiB:F0} MiB"));

        summary.Complete.ShouldBeTrue();
        summary.DevicesHeard.ShouldBe(devices);
        summary.FalseSuspicions.ShouldBe(0, summary.ToText());
        summary.Acknowledgements.ShouldBeGreaterThan(summary.BeatsReceived * 9 / 10, "the control plane answers each beat");
        summary.StormSeconds.Count.ShouldBe(1, "everybody came back from the storm");
        if (summary.LooksNotJudged == 0)
        {
            summary.OutagesNoticed.ShouldBe(summary.Outages);
        }
    }

    private static int Number(string name, int otherwise) => int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out var given) ? given : otherwise;
}
