using Dr.Silo.Storage;

namespace Dr.Silo.WebConsole;

/// <summary>Reads the page's views from the grains, and the run journal and the event log from the database, all at once.</summary>
internal sealed class GrainConsoleData(
    IGrainFactory grains, KnownThings known, RunJournal runs, EventLog events, TimeProvider time, ILogger<GrainConsoleData> logger) : IConsoleData
{
    private const int RunCount = 20;
    private const int EventCount = 50;

    public async Task<ConsoleSnapshot> ReadAsync(CancellationToken cancellationToken)
    {
        var parts = new PartReader(time, logger);
        var systems = EachAsync(parts, ThingKind.System, id => grains.GetGrain<IBusinessSystemGrain>(id).GetAsync(), cancellationToken);
        var devices = EachAsync(parts, ThingKind.Device, async id => (DeviceView?)await grains.GetGrain<IDeviceGrain>(id).GetAsync(), cancellationToken);
        var sites = EachAsync(parts, ThingKind.Site, async id => (SiteView?)await grains.GetGrain<ISiteGrain>(id).GetAsync(), cancellationToken);
        var volumes = EachAsync(parts, ThingKind.Volume, id => grains.GetGrain<IVolumeGrain>(id).GetAsync(), cancellationToken);
        var journal = parts.ReadAsync("The run journal", () => runs.ListAsync(RunFilter.Nothing, RunCount, cancellationToken), cancellationToken);
        var log = parts.ReadAsync("The event log", () => events.NewestAsync(EventCount, cancellationToken), cancellationToken);
        var alerts = parts.ReadAsync("The alerts", () => grains.GetGrain<IAlertGrain>(IAlertGrain.Key).GetAsync(), cancellationToken);
        await Task.WhenAll(systems, devices, sites, volumes, journal, log, alerts);
        return new ConsoleSnapshot
        {
            At = time.GetUtcNow(),
            Systems = await systems,
            Devices = await devices,
            Sites = await sites,
            Volumes = await volumes,
            Runs = await journal ?? [],
            Events = await log ?? [],
            Alerts = await alerts,
            Missing = parts.Missing,
        };
    }

    private async Task<IReadOnlyList<T>> EachAsync<T>(PartReader parts, ThingKind kind, Func<string, Task<T?>> read, CancellationToken cancellationToken)
        where T : class
    {
        var name = kind.ToString();
        var ids = await parts.ReadAsync($"The list of {name.ToLowerInvariant()}s", () => known.ListAsync(kind, cancellationToken), cancellationToken) ?? [];
        var views = await Task.WhenAll(ids.Select(id => parts.ReadAsync($"{name} {id}", () => read(id), cancellationToken)));
        return [.. views.OfType<T>()];
    }
}
