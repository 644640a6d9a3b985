using Dr.Contracts.Policy;
using Dr.Silo.Decisions.Detection;
using Dr.Silo.Decisions.Policies;
using Dr.Silo.Storage;

namespace Dr.Silo.Grains;

/// <summary>
/// Hands the configuration, with the policies over it, to the grains: at start, and the part that policies concern again whenever they change. Safe to repeat, by every silo of a cluster.
/// </summary>
public sealed class GrainConfigurator(IGrainFactory grains, KnownThings known)
{
    /// <summary>Grains that are told at the same time: their writes share a commit.</summary>
    private const int AtOnce = 256;

    private IReadOnlyList<SystemSettings>? _systems;
    private IReadOnlyDictionary<DeviceId, DeviceSettings> _devices = new Dictionary<DeviceId, DeviceSettings>();

    /// <summary>As configured, without policies; null before this silo has read its configuration.</summary>
    public IReadOnlyList<SystemSettings>? Systems => Volatile.Read(ref _systems);

    public async Task ApplyAsync(
        IReadOnlyList<SiteId> sites, IReadOnlyDictionary<DeviceId, DeviceSettings> devices, IReadOnlyList<SystemSettings> systems, CancellationToken cancellationToken,
        IReadOnlyDictionary<SiteId, double>? capacities = null)
    {
        ArgumentNullException.ThrowIfNull(sites);
        ArgumentNullException.ThrowIfNull(devices);
        ArgumentNullException.ThrowIfNull(systems);
        Volatile.Write(ref _devices, devices);
        Volatile.Write(ref _systems, systems);
        foreach (var site in sites)
        {
            await known.AddAsync(ThingKind.Site, site.Value, site.Value, cancellationToken);
            await grains.GetGrain<ISiteGrain>(site.Value).ConfigureAsync([.. devices.Where(d => d.Value.Site == site).Select(d => d.Key)]);
            await grains.GetGrain<ISiteGrain>(site.Value).ConfigureSystemsAsync([.. systems.Where(s => s.HomeSite.Site == site || s.PeerSite.Site == site)], capacities ?? new Dictionary<SiteId, double>());
        }

        await grains.GetGrain<IFleetGrain>(IFleetGrain.Key).ConfigureAsync(
            [.. devices.Select(d => new FleetMember { Device = d.Key, Site = d.Value.Site, Switch = d.Value.Switch, Line = d.Value.Line })]);
        var book = await grains.GetGrain<IPolicyGrain>(IPolicyGrain.Key).GetBookAsync();
        await known.AddAsync(ThingKind.Device, [.. devices.Select(d => (d.Key.Value, d.Value.Site.Value))], cancellationToken);
        await Parallel.ForEachAsync(devices, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken },
            async (device, _) => await grains.GetGrain<IDeviceGrain>(device.Key.Value).ConfigureAsync(DeviceOverlay.Of(device.Value, book)));

        foreach (var system in systems)
        {
            await ApplyAsync(system, book, cancellationToken);
        }
    }

    /// <summary>One system and its volumes, by a version of the policies.</summary>
    internal async Task ApplyAsync(SystemSettings system, PolicyBook book, CancellationToken cancellationToken)
    {
        var effective = PolicyOverlay.Of(system, book);
        await known.AddAsync(ThingKind.System, system.Id.Value, system.Home.Value, cancellationToken);
        foreach (var volume in new[] { system.Volume, system.ApplicationVolume }.OfType<string>().Distinct(StringComparer.Ordinal))
        {
            await known.AddAsync(ThingKind.Volume, volume, system.Home.Value, cancellationToken);
            await grains.GetGrain<IVolumeGrain>(volume).ConfigureAsync(PolicyOverlay.Of(effective, volume, book));
        }

        await grains.GetGrain<IBusinessSystemGrain>(system.Id.Value).ConfigureAsync(effective);
    }

    /// <summary>Devices whose schedule a calendar decides.</summary>
    internal async Task ApplyCalendarsAsync(PolicyBook book)
    {
        foreach (var (id, settings) in Volatile.Read(ref _devices).Where(d => d.Value.Calendar is not null))
        {
            await grains.GetGrain<IDeviceGrain>(id.Value).ConfigureAsync(DeviceOverlay.Of(settings, book));
        }
    }

    /// <summary>Devices that work for a system; none before this silo has read its configuration.</summary>
    internal IReadOnlyList<DeviceId> FollowersOf(SystemId system) => [.. Volatile.Read(ref _devices).Where(d => d.Value.Follows.Contains(system)).Select(d => d.Key)];

    /// <summary>Beat, deadline and lease as the configuration has them for a system; the slower of its two hosts counts.</summary>
    internal PolicyTimers TimersOf(SystemSettings system)
    {
        var hosts = new[] { system.HomeSite.Host, system.PeerSite.Host }.Select(h => Volatile.Read(ref _devices).GetValueOrDefault(h)).OfType<DeviceSettings>().ToArray();
        var period = hosts.Length == 0 ? TimeSpan.FromSeconds(1) : TimeSpan.FromMilliseconds(hosts.Max(h => h.Config.BusyPeriodMs));
        return new PolicyTimers
        {
            LeaseTtl = system is { Lease: true, Volume: not null } ? system.LeaseTtl : null,
            BeatPeriod = period,
            DetectionDeadline = period + (hosts.Length == 0 ? BeatClass.Host.Alpha(HourClass.Busy) : hosts.Max(h => BeatClass.Of(h).Alpha(HourClass.Busy))),
        };
    }
}
