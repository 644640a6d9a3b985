using System.Diagnostics;
using Dr.Contracts.Grains;
using Dr.Contracts.Ids;
using Dr.Silo.Storage;
using Dr.Silo.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Core.Internal;

namespace Dr.Silo.Tests.Grains;

/// <summary>A grain alone is activated anew, as when its silo is lost, while the grains that tell it things go on and have no news.</summary>
public sealed class NewActivationTests : ControlPlaneTests
{
    [Fact]
    public async Task A_system_activated_anew_learns_who_is_alive_and_takes_over()
    {
        await ProtectAsync();
        var ledger = Silo.Services.GetRequiredService<OwnershipLedger>();
        var before = (await ledger.ReadAsync(ScriptedWorld.System, CancellationToken.None))!.Granter;

        await Silo.System.AsReference<IGrainManagementExtension>().DeactivateOnIdle();
        for (var watch = Stopwatch.StartNew(); (await ledger.ReadAsync(ScriptedWorld.System, CancellationToken.None))!.Granter == before; await Task.Delay(50, CancellationToken.None))
        {
            watch.Elapsed.TotalSeconds.ShouldBeLessThan(TestSilo.Patience, "waiting for another activation");
        }

        World.Production.PowerOff();

        (await Silo.PhaseAsync(Phase.OnTrial)).Epoch.ShouldBe(new Epoch(2));
        World.DoubleWriters.ShouldBeEmpty();
    }
}
