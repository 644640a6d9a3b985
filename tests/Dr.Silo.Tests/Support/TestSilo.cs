using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Dr.Contracts.Grains;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Contracts.Tls;
using Dr.Silo.Grains;
using Dr.Silo.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Dr.Silo.Tests.Support;

/// <summary>A silo with its grains on a database, without broker and API; stopping and starting another on the same database is a restart.</summary>
internal sealed class TestSilo : IAsyncDisposable
{
    /// <summary>Seconds that a test waits before it fails; what is waited for takes some 20 at the most where the machine is free.</summary>
    public const int Patience = 180;

    private readonly IHost _host;
    private readonly ScriptedWorld _world;

    private TestSilo(IHost host, ScriptedWorld world) => (_host, _world) = (host, world);

    public IGrainFactory Grains => _host.Services.GetRequiredService<IGrainFactory>();

    public int SiloPort { get; private init; }

    public IServiceProvider Services => _host.Services;

    public IBusinessSystemGrain System => Grains.GetGrain<IBusinessSystemGrain>(ScriptedWorld.System.Value);

    public static async Task<TestSilo> StartAsync(Database database, ScriptedWorld world, Func<SystemSettings, SystemSettings>? change = null, bool configure = true, TlsFiles? tls = null)
    {
        await new Migrator(database).ApplyAsync(CancellationToken.None);
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton<IDownlink>(world);
        var port = FreePorts.Next();
        builder.AddDrOrleans(database, new SiloEndpoint { ClusterId = "test", SiloPort = port, GatewayPort = FreePorts.Next(), Tls = tls });
        var silo = new TestSilo(builder.Build(), world) { SiloPort = port };
        await silo._host.StartAsync();
        if (configure)
        {
            await silo.Services.GetRequiredService<GrainConfigurator>().ApplyAsync(
                [world.Production.Site, world.Backup.Site, new SiteId("street")], world.Devices, [(change ?? (s => s))(Settings(world))], CancellationToken.None);
            world.Connect(silo.Grains);
        }

        return silo;
    }

    public static SystemSettings Settings(ScriptedWorld world) => new()
    {
        Id = ScriptedWorld.System,
        Name = "DILAS",
        Class = TakeoverClass.T,
        Home = world.Production.Site,
        HomeSite = Site(world.Production),
        PeerSite = Site(world.Backup),
        Volume = ScriptedWorld.Volume,
        VolumeSizeBytes = 1 << 20,
        LeaseTtl = TimeSpan.FromSeconds(2),
        PointPeriod = TimeSpan.FromSeconds(5),
    };

    public async Task<SystemView> ViewAsync() => (await System.GetAsync())!;

    /// <summary>
    /// Waits until the view is as asked; the failure says how it is instead. On a machine with late ticks a takeover takes its time, rightly: the control plane judges nobody then, and looks again.
    /// </summary>
    public async Task<SystemView> UntilAsync(string what, Func<SystemView, bool> holds, int seconds = Patience, Func<Task>? look = null)
    {
        var watch = Stopwatch.StartNew();
        for (var view = await ViewAsync(); ; view = await ViewAsync())
        {
            await (look?.Invoke() ?? Task.CompletedTask);
            if (holds(view))
            {
                return view;
            }

            watch.Elapsed.TotalSeconds.ShouldBeLessThan(seconds, $"waiting for {what}; phase {view.Phase}, step {view.Step}, epoch {view.Epoch}, reason {view.Reason}, steps {string.Join(", ", view.LiveRun?.Steps.Select(s => $"{s.Step}@{s.Target} {s.State} {s.Detail}") ?? [])}");
            await Task.Delay(50, CancellationToken.None);
        }
    }

    public Task<SystemView> PhaseAsync(Phase phase, int seconds = Patience) => UntilAsync(phase.ToString(), v => v.Phase == phase.ToString(), seconds);

    public async ValueTask DisposeAsync()
    {
        _world.Connect(null);
        await _host.StopAsync();
        _host.Dispose();
    }

    private static SystemSite Site(ScriptedDevice device) => new() { Site = device.Site, Host = device.Id, Appliance = device.Id, Replication = device.Replication };
}
