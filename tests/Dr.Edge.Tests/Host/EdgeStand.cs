using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Edge.Cli;
using Dr.Edge.Host;
using Dr.Edge.Hosting;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Transfers;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Dr.Edge.Tests.Host;

/// <summary>The appliance and the host role in one program, with a system that runs on a volume of ours.</summary>
internal sealed class EdgeStand : IAsyncDisposable
{
    private WebApplication? _edge;

    private EdgeStand(HostStand host) => Host = host;

    public HostStand Host { get; }

    public ControlClient Client { get; private set; } = null!;

    public VolumeSet Volumes => Service<VolumeSet>();

    public HostedSystemSession Session => Service<HostedSystems>().All.Single();

    public static async Task<EdgeStand> StartAsync(PreparedDisk prepared)
    {
        var disk = await prepared.GetAsync();
        var host = await HostStand.CreateBareAsync();
        if (prepared is PreparedMariaDbDisk)
        {
            host.UseMariaDb();
        }

        host.System.Nbd = null;
        var stand = new EdgeStand(host);
        try
        {
            await stand.RunAsync();
            var volume = stand.Volumes.Create("dilas", 640L << 20);
            ImageImport.Run(volume, disk, (_, _) => { }, default);
            await stand.OrderAsync("start");
            return stand;
        }
        catch
        {
            await stand.DisposeAsync();
            throw;
        }
    }

    public T Service<T>()
        where T : notnull => _edge!.Services.GetRequiredService<T>();

    public async Task<HostReport> OrderAsync(string order) => await Client.StreamAsync<HostReport>(HttpMethod.Post, $"systems/dilas/{order}", null, _ => { }, default);

    public PointInfo Point(string label) => Volumes.Get("dilas").CreatePoint(label, PointConsistency.Crash, null);

    /// <summary>What is attached or mounted below the stand besides the system itself, and what clones there are.</summary>
    public async Task<string> LeftoversAsync()
    {
        var loops = (await HostStand.RunAsync("losetup", "--list", "--noheadings", "--output", "BACK-FILE")).Output.Split('\n').Where(l => l.StartsWith(Host.Root, StringComparison.Ordinal) && !l.StartsWith(Session.CurrentExport, StringComparison.Ordinal));
        var mounts = (await File.ReadAllLinesAsync("/proc/self/mountinfo")).Select(l => l.Split(' ')[4]).Where(m => m.StartsWith(Host.Root, StringComparison.Ordinal) && m != Host.System.Mount && !Session.CurrentExport.StartsWith(m, StringComparison.Ordinal));
        var clones = Volumes.Volumes.Where(v => v.Origin is not null).Select(v => v.Name);
        return string.Join(' ', loops.Concat(mounts).Concat(clones));
    }

    public async ValueTask DisposeAsync()
    {
        if (_edge is not null)
        {
            Client.Dispose();
            await _edge.StopAsync();
            await _edge.DisposeAsync();
        }

        await Host.DisposeAsync();
    }

    private async Task RunAsync()
    {
        var config = new EdgeConfig { Data = Host.Data, Control = Path.Combine(Host.Root, "control.sock"), Roles = ["appliance", "host"], Systems = [Host.System] };
        config.Nbd.Socket = Path.Combine(Host.Root, "nbd.sock");
        config.Points.Every = "off";
        Directory.CreateDirectory(Host.Data);
        _edge = EdgeApp.Build(config);
        await _edge.StartAsync();
        Client = new ControlClient(config.ControlPath);
    }
}
