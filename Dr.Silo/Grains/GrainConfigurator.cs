using Dr.Silo.Storage;

namespace Dr.Silo.Grains;

/// <summary>Hands the configuration over to the grains at start; safe to repeat, by every silo of a cluster.</summary>
public sealed class GrainConfigurator(IGrainFactory grains, KnownThings known)
{
    public async Task ApplyAsync(
        IReadOnlyList<SiteId> sites, IReadOnlyDictionary<DeviceId, DeviceSettings> devices, IReadOnlyList<SystemSettings> systems, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(sites);
        ArgumentNullException.ThrowIfNull(devices);
        ArgumentNullException.ThrowIfNull(systems);
        foreach (var site in sites)
        {
            await known.AddAsync(ThingKind.Site, site.Value, site.Value, cancellationToken);
            await grains.GetGrain<ISiteGrain>(site.Value).ConfigureAsync([.. devices.Where(d => d.Value.Site == site).Select(d => d.Key)]);
        }

        foreach (var (id, settings) in devices)
        {
            await known.AddAsync(ThingKind.Device, id.Value, settings.Site.Value, cancellationToken);
            await grains.GetGrain<IDeviceGrain>(id.Value).ConfigureAsync(settings);
        }

        foreach (var system in systems)
        {
            await known.AddAsync(ThingKind.System, system.Id.Value, system.Home.Value, cancellationToken);
            if (system.Volume is { } volume)
            {
                await known.AddAsync(ThingKind.Volume, volume, system.Home.Value, cancellationToken);
                await grains.GetGrain<IVolumeGrain>(volume).ConfigureAsync(new VolumeSettings { System = system.Id, PointPeriod = system.PointPeriod });
            }

            await grains.GetGrain<IBusinessSystemGrain>(system.Id.Value).ConfigureAsync(system);
        }
    }
}
