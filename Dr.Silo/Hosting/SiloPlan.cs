using Dr.Contracts.Grains;

namespace Dr.Silo.Hosting;

/// <summary>What the configuration means: everything typed, checked and complete. Never half of it: <see cref="SiloPlanner"/> gives all of it or the reasons why not.</summary>
public sealed record SiloPlan
{
    private IReadOnlyList<KeyValuePair<DeviceId, DeviceSettings>>? _inOrder;

    public static SiloPlan Empty { get; } = new();

    public IReadOnlyList<SiteId> Sites { get; init; } = [];

    /// <summary>What a site can carry, in the units of the systems' loads; a site that is not here carries everything.</summary>
    public IReadOnlyDictionary<SiteId, double> Capacities { get; init; } = new Dictionary<SiteId, double>();

    public IReadOnlyDictionary<DeviceId, DeviceSettings> Devices { get; init; } = new Dictionary<DeviceId, DeviceSettings>();

    /// <summary>The same by id, sorted once: a page of 50 000 devices must not sort them all.</summary>
    public IReadOnlyList<KeyValuePair<DeviceId, DeviceSettings>> DevicesInOrder => _inOrder ??= [.. Devices.OrderBy(d => d.Key.Value, StringComparer.Ordinal)];

    public IReadOnlyList<SystemSettings> Systems { get; init; } = [];

    public IEnumerable<string> Volumes => Systems.Select(s => s.Volume).OfType<string>().Distinct(StringComparer.Ordinal);

    public IReadOnlyList<DeviceId> MembersOf(SiteId site) => [.. Devices.Where(d => d.Value.Site == site).Select(d => d.Key)];
}
