namespace Dr.Silo.Hosting;

/// <summary>The YAML of <c>--config</c>: sites, devices and business systems.</summary>
public sealed class SiloConfig
{
    public List<SiteConfig> Sites { get; set; } = [];

    public List<DeviceEntry> Devices { get; set; } = [];

    public List<SystemEntry> Systems { get; set; } = [];

    /// <summary>Busy hours per day of the week, local time of <see cref="TimeZone"/>: <c>Tuesday: "09:00-20:00"</c>; a day that is not named is idle. Empty = always busy.</summary>
    public Dictionary<DayOfWeek, string> BusyHours { get; set; } = [];

    public string TimeZone { get; set; } = "UTC";
}

public sealed class SiteConfig
{
    public string Id { get; set; } = "";

    /// <summary>For people; the id when it is left out.</summary>
    public string? Name { get; set; }

    /// <summary>What the site can carry, in the units of the systems' <c>load</c>; left out = everything.</summary>
    public double? Capacity { get; set; }
}

public sealed class DeviceEntry
{
    public string Id { get; set; } = "";

    public string Site { get; set; } = "";

    /// <summary>Any of <c>appliance</c>, <c>host</c>, <c>kiosk</c>.</summary>
    public List<string> Roles { get; set; } = [];

    /// <summary>Beat period in busy and in idle hours; by role when left out (<see cref="SiloPlan"/>).</summary>
    public string? BusyPeriod { get; set; }

    public string? IdlePeriod { get; set; }

    /// <summary>How it is watched (<c>host</c>, <c>critical-system</c>, <c>appliance</c>, <c>kiosk-24h</c>, <c>kiosk-indoor</c>); by its roles when left out.</summary>
    public string? Class { get; set; }

    /// <summary>Calendar of its branch, one of those that the policies have; <see cref="SiloConfig.BusyHours"/> when left out.</summary>
    public string? Calendar { get; set; }

    /// <summary>Systems that it works for: it is told at which site each of them is, so that a kiosk delivers there.</summary>
    public List<string> Follows { get; set; } = [];

    /// <summary>The switch it hangs on, and the line by which its site reaches the broker; so that many silences at once have one name.</summary>
    public string? Switch { get; set; }

    public string? Line { get; set; }

    /// <summary>Reachability targets pushed to the device: name to address.</summary>
    public Dictionary<string, string> Targets { get; set; } = [];
}

/// <summary>One business system; maps by site where a value differs between the sites.</summary>
public sealed class SystemEntry
{
    public string Id { get; set; } = "";

    public string? Name { get; set; }

    /// <summary><c>T</c> full takeover, <c>R</c> repoint.</summary>
    public string Class { get; set; } = "T";

    public string Home { get; set; } = "";

    public string? Volume { get; set; }

    /// <summary>The volume that holds programs and configuration, when that is another one; it must exist on both appliances.</summary>
    public string? ApplicationVolume { get; set; }

    /// <summary>The volume is made with this size when it is not there.</summary>
    public string? Size { get; set; }

    public CopyEntry Copy { get; set; } = new();

    public Dictionary<string, string> Hosts { get; set; } = [];

    public Dictionary<string, string> Appliances { get; set; } = [];

    public Dictionary<string, string> Replication { get; set; } = [];

    public string? Policy { get; set; }

    /// <summary>When a whole site goes over: smaller goes first.</summary>
    public int Priority { get; set; } = 100;

    /// <summary>Systems that have to serve before this one makes sense.</summary>
    public List<string> DependsOn { get; set; } = [];

    /// <summary>What it takes of a site's capacity.</summary>
    public double Load { get; set; } = 1;

    /// <summary>The hosts have a fence device for the other site (<c>fence</c> of their own configuration): it is used at a takeover.</summary>
    public bool Fence { get; set; }

    /// <summary><c>automatic</c> or <c>person</c>.</summary>
    public string Approval { get; set; } = "automatic";

    public string LossLimit { get; set; } = "5m";

    public string LeaseTtl { get; set; } = "6s";

    public string Trial { get; set; } = "30m";

    /// <summary>Period of points; <c>0s</c> = none by schedule.</summary>
    public string Points { get; set; } = "5m";

    /// <summary>The volume refuses writes without a serving lease.</summary>
    public bool Lease { get; set; } = true;
}

public sealed class CopyEntry
{
    /// <summary><c>stream</c>, <c>sync</c> or <c>delta</c>.</summary>
    public string Mode { get; set; } = "stream";

    public double? BandwidthMbps { get; set; }

    /// <summary>A bandwidth class that both appliances know (<c>dr-edge bandwidth list</c>); null = as the appliances have it.</summary>
    public string? BandwidthClass { get; set; }
}
