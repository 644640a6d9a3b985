using Dr.Contracts.Cli;
using Dr.Contracts.Grains;
using Dr.Contracts.Policy;
using Dr.Silo.Decisions.Detection;
using Dr.Silo.Decisions.Sites;

namespace Dr.Silo.Hosting;

/// <summary>Turns the configuration into a plan, or into every reason why it cannot. Pure.</summary>
internal sealed class SiloPlanner
{
    private static readonly HashSet<string> Roles = new(StringComparer.Ordinal) { "host", "appliance", "kiosk" };

    /// <summary>A serving lease has to survive the loss of one beat and the lateness of the next.</summary>
    private const int BeatsPerLease = 3;

    private readonly List<string> _problems = [];

    /// <exception cref="ConfigurationException">Every problem, one per line.</exception>
    public static SiloPlan Plan(SiloConfig config, string path)
    {
        var planner = new SiloPlanner();
        var plan = planner.Build(config);
        return planner._problems.Count == 0
            ? plan
            : throw new ConfigurationException(
                $"{path} cannot be used:{string.Concat(planner._problems.Select(p => $"\n  - {p}"))}",
                "Nothing was changed; mend every line above and start again.");
    }

    private SiloPlan Build(SiloConfig config)
    {
        var sites = Unique(config.Sites.Select(s => s.Id), "sites").Select(s => new SiteId(s)).ToList();
        var deviceIds = Unique(config.Devices.Select(d => d.Id), "devices");
        Unique(config.Systems.Select(s => s.Id), "systems");
        var devices = config.Devices.ToLookup(d => d.Id, StringComparer.Ordinal);
        foreach (var device in config.Devices)
        {
            Check(sites.Contains(new SiteId(device.Site)), $"devices: {device.Id}: site '{device.Site}' is not among the sites.");
            Check(device.Roles.Count > 0 && device.Roles.All(Roles.Contains), $"devices: {device.Id}: roles takes any of appliance, host, kiosk.");
            Check(device.Class is null || BeatClass.Find(device.Class) is not null, $"devices: {device.Id}: class is one of {string.Join(", ", BeatClass.All.Select(c => c.Name))}, not '{device.Class}'.");
            Check((device.Switch is null || Names.IsValid(device.Switch)) && (device.Line is null || Names.IsValid(device.Line)), $"devices: {device.Id}: switch and line are names.");
            foreach (var system in device.Follows)
            {
                Check(config.Systems.Exists(s => s.Id == system), $"devices: {device.Id}: follows '{system}', which is not among the systems.");
            }

            Check(device.Calendar is null || Names.IsValid(device.Calendar), $"devices: {device.Id}: calendar '{device.Calendar}' is not a valid name.");
        }

        var systems = config.Systems.Select(s => System(s, sites, devices)).OfType<SystemSettings>().ToList();
        foreach (var site in config.Sites.Where(s => s.Capacity is < 0))
        {
            Check(false, $"sites: {site.Id}: capacity is not negative.");
        }

        foreach (var (system, other) in config.Systems.SelectMany(s => s.DependsOn, (s, d) => (s, d)))
        {
            Check(config.Systems.Any(s => s.Id == other) && other != system.Id, $"systems: {system.Id}: dependsOn '{other}' is not another of the systems.");
        }

        foreach (var (system, why) in SitePlan.Make([.. systems.Select(s => new SiteMember { System = s.Id, DependsOn = s.DependsOn })], [], null).LeftOut.Where(s => s.Value.Contains("itself", StringComparison.Ordinal)))
        {
            Check(false, $"systems: {system}: dependsOn leads in a circle.");
        }

        var zone = TimeZoneInfo.TryFindSystemTimeZoneById(config.TimeZone, out _);
        Check(zone, $"timeZone: '{config.TimeZone}' is not known here.");
        foreach (var (day, hours) in config.BusyHours)
        {
            Check(OpeningHours.TryParse(hours, out _), $"busyHours: {day}: '{hours}' is not like 09:00-20:00.");
        }

        return new SiloPlan
        {
            Sites = sites,
            Capacities = config.Sites.Where(s => s.Capacity is not null).DistinctBy(s => s.Id).ToDictionary(s => new SiteId(s.Id), s => s.Capacity!.Value),
            Systems = systems,
            Devices = config.Devices.Where(d => deviceIds.Contains(d.Id)).DistinctBy(d => d.Id).ToDictionary(d => new DeviceId(d.Id), d => Device(d, systems, config)),
        };
    }

    private DeviceSettings Device(DeviceEntry device, List<SystemSettings> systems, SiloConfig config)
    {
        var id = new DeviceId(device.Id);
        var beats = BeatClass.Of(device.Class, device.Roles);

        // Who renews serving leases beats often enough for them, whatever its class says: leases travel in beats.
        var leases = systems.Where(s => s.Lease && s.Volume is not null && (s.HomeSite.Appliance == id || s.PeerSite.Appliance == id)).Select(s => s.LeaseTtl).ToList();
        var longest = leases.Count == 0 ? TimeSpan.MaxValue : leases.Min() / BeatsPerLease;
        int Default(HourClass hours) => (int)Math.Min(beats.Period(hours).TotalMilliseconds, longest.TotalMilliseconds);
        return new DeviceSettings
        {
            Site = new SiteId(device.Site),
            Roles = device.Roles,
            Class = device.Class,
            Calendar = device.Calendar,
            Switch = device.Switch,
            Line = device.Line,
            Systems = [.. systems.Where(s => s.HomeSite.Host == id || s.PeerSite.Host == id || s.HomeSite.Appliance == id || s.PeerSite.Appliance == id).Select(s => s.Id)],
            Follows = [.. device.Follows.Distinct(StringComparer.Ordinal).Select(f => new SystemId(f))],
            Config = new DeviceConfig
            {
                Version = 1,
                BusyPeriodMs = Milliseconds(device.BusyPeriod, Default(HourClass.Busy), $"devices: {device.Id}: busyPeriod"),
                IdlePeriodMs = Milliseconds(device.IdlePeriod, Default(HourClass.Idle), $"devices: {device.Id}: idlePeriod"),
                BusyHours = config.BusyHours,
                TimeZone = config.TimeZone,
                Targets = device.Targets,
            },
        };
    }

    private SystemSettings? System(SystemEntry system, List<SiteId> sites, ILookup<string, DeviceEntry> devices)
    {
        var where = $"systems: {system.Id}";
        var before = _problems.Count;
        Check(Enum.TryParse<TakeoverClass>(system.Class, ignoreCase: true, out var kind), $"{where}: class is T or R, not '{system.Class}'.");
        Check(Enum.TryParse<ApprovalMode>(system.Approval, ignoreCase: true, out var approval), $"{where}: approval is automatic or person, not '{system.Approval}'.");
        Check(Enum.TryParse<CopyMode>(system.Copy.Mode, ignoreCase: true, out var mode), $"{where}: copy.mode is stream, sync or delta, not '{system.Copy.Mode}'.");
        var home = new SiteId(system.Home);
        Check(sites.Contains(home), $"{where}: home '{system.Home}' is not among the sites.");
        Check(system.Hosts.Count == 2 && system.Hosts.ContainsKey(system.Home), $"{where}: hosts names one device at the home site and one at the other.");
        Check(kind == TakeoverClass.R || system.Volume is not null, $"{where}: class T needs a volume.");
        Check(system.Volume is null || Names.IsValid(system.Volume), $"{where}: volume '{system.Volume}' is not a valid name.");
        Check(system.ApplicationVolume is null || (Names.IsValid(system.ApplicationVolume) && system.Volume is not null), $"{where}: applicationVolume '{system.ApplicationVolume}' is not a valid name, or the system has no volume.");
        if (_problems.Count > before)
        {
            return null;
        }

        var peer = new SiteId(system.Hosts.Keys.Single(s => s != system.Home));
        Check(sites.Contains(peer), $"{where}: hosts names site '{peer}', which is not among the sites.");
        var settings = new SystemSettings
        {
            Id = new SystemId(system.Id),
            Name = system.Name ?? system.Id,
            Class = kind,
            Home = home,
            HomeSite = Site(system, home, devices, where),
            PeerSite = Site(system, peer, devices, where),
            Volume = system.Volume,
            ApplicationVolume = system.ApplicationVolume,
            VolumeSizeBytes = system.Size is null ? null : Try(() => Quantities.ParseSize(system.Size, $"{where}: size")),
            CopyMode = mode,
            BandwidthMbps = system.Copy.BandwidthMbps,
            BandwidthClass = system.Copy.BandwidthClass,
            Approval = approval,
            LossLimit = Duration(system.LossLimit, $"{where}: lossLimit"),
            LeaseTtl = Duration(system.LeaseTtl, $"{where}: leaseTtl"),
            Trial = Duration(system.Trial, $"{where}: trial"),
            PointPeriod = Duration(system.Points, $"{where}: points"),
            Policy = system.Policy,
            Lease = system.Lease,
            Priority = system.Priority,
            DependsOn = [.. system.DependsOn.Select(d => new SystemId(d))],
            Load = system.Load,
            FenceDevice = system.Fence,
        };
        Check(system.Load >= 0, $"{where}: load is not negative.");
        Check(settings.LeaseTtl >= TimeSpan.FromSeconds(2), $"{where}: leaseTtl below 2s would lapse between two heartbeats.");
        Check(settings.PointPeriod == TimeSpan.Zero || settings.PointPeriod >= TimeSpan.FromSeconds(5), $"{where}: points below 5s would be taken faster than they can be told apart in a day's 255.");
        return _problems.Count > before ? null : settings;
    }

    private SystemSite Site(SystemEntry system, SiteId site, ILookup<string, DeviceEntry> devices, string where)
    {
        var host = system.Hosts[site.Value];
        Member(devices, host, site, "host", $"{where}: hosts");
        var (appliance, replication) = (system.Appliances.GetValueOrDefault(site.Value), system.Replication.GetValueOrDefault(site.Value));
        if (system.Volume is not null)
        {
            Check(appliance is not null, $"{where}: appliances names no device at {site}.");
            Check(replication is not null && replication.Contains(':', StringComparison.Ordinal), $"{where}: replication has no host:port for {site}.");
            Member(devices, appliance ?? host, site, "appliance", $"{where}: appliances");
        }

        return new SystemSite { Site = site, Host = new DeviceId(host), Appliance = appliance is null ? null : new DeviceId(appliance), Replication = replication };
    }

    private void Member(ILookup<string, DeviceEntry> devices, string id, SiteId site, string role, string where)
    {
        var device = devices[id].FirstOrDefault();
        Check(device is not null, $"{where}: '{id}' is not among the devices.");
        Check(device is null || device.Site == site.Value, $"{where}: '{id}' is at {device?.Site}, not at {site}.");
        Check(device is null || device.Roles.Contains(role, StringComparer.Ordinal), $"{where}: '{id}' does not have the role {role}.");
    }

    private HashSet<string> Unique(IEnumerable<string> ids, string section)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var id in ids)
        {
            Check(Names.IsValid(id), $"{section}: '{id}' is not a valid id (1 to {Names.MaxLength} letters, digits, '-', '_', '.').");
            Check(seen.Add(id), $"{section}: '{id}' is there twice.");
        }

        return seen;
    }

    private int Milliseconds(string? text, int otherwise, string where) => text is null ? otherwise : (int)Math.Min(Duration(text, where).TotalMilliseconds, int.MaxValue);

    private TimeSpan Duration(string text, string where) => Try(() => Quantities.ParseDuration(text, where));

    private T? Try<T>(Func<T> parse)
    {
        try
        {
            return parse();
        }
        catch (DrException e)
        {
            _problems.Add($"{e.Message} {e.Hint}");
            return default;
        }
    }

    private void Check(bool holds, string problem)
    {
        if (!holds)
        {
            _problems.Add(problem);
        }
    }
}
