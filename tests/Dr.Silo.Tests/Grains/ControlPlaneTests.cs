using Dr.Contracts.Grains;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Silo.Storage;
using Dr.Silo.Tests.Support;
using Microsoft.Extensions.DependencyInjection;

namespace Dr.Silo.Tests.Grains;

/// <summary>The real grains, the real machine and a real database against scripted devices.</summary>
public abstract class ControlPlaneTests : IAsyncLifetime
{
    private readonly TempDirectory _directory = new();

    private protected ScriptedWorld World { get; } = new();

    private protected TestSilo Silo { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Silo = await TestSilo.StartAsync(new SqliteDatabase(_directory.File("silo.db")), World);

    public async ValueTask DisposeAsync()
    {
        await Silo.DisposeAsync();
        await World.DisposeAsync();
        _directory.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected async Task RestartAsync(Func<SystemSettings, SystemSettings>? change = null, bool configure = true, TimeSpan away = default)
    {
        await Silo.DisposeAsync();
        await Task.Delay(away, CancellationToken.None);
        Silo = await TestSilo.StartAsync(new SqliteDatabase(_directory.File("silo.db")), World, change, configure);
    }

    /// <summary>The journal is written after the state that it tells of.</summary>
    private protected async Task<RunView> ClosedAsync(RunId run)
    {
        RunView? view = null;
        await Silo.UntilAsync($"run {run} to be closed", _ => view?.FinishedAt is not null, look: async () => view = await Silo.Grains.GetGrain<IRunGrain>(run.Value).GetAsync());
        return view!;
    }

    private protected Task<LeaseGrant> LeaseAsync(ScriptedDevice device, Epoch epoch) =>
        Silo.System.RenewLeaseAsync(device.Id, new LeaseRequest { System = ScriptedWorld.System, Epoch = epoch });

    /// <summary>From nothing to protected: the control plane makes the volume and the copy; the operator starts the system.</summary>
    private protected async Task ProtectAsync()
    {
        await Silo.UntilAsync("the volume to be made", _ => World.Production.Role == VolumeRole.Primary);
        World.Production.Runs = true;
        await Silo.PhaseAsync(Phase.Protected);
        await Silo.UntilAsync("production to be seen serving with its lease", v => World.Production.MayWrite && v.Conditions.Single(c => c.Kind == "Serving").Holds == true);
    }
}
