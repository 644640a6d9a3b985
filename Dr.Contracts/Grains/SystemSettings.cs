using Dr.Contracts.Policy;

namespace Dr.Contracts.Grains;

/// <summary>R: network parameters point to the other site, where an instance runs already. T: volume, application and address move.</summary>
public enum TakeoverClass
{
    R,
    T,
}

/// <summary>Who says yes before the point of no return.</summary>
public enum ApprovalMode
{
    Automatic,
    Person,
}

/// <summary>A business system as configured.</summary>
[GenerateSerializer, Immutable, Alias("dr.SystemSettings")]
public sealed record SystemSettings
{
    [Id(0)] public required SystemId Id { get; init; }

    [Id(1)] public required string Name { get; init; }

    [Id(2)] public required TakeoverClass Class { get; init; }

    /// <summary>Where it belongs; the other site is its peer.</summary>
    [Id(3)] public required SiteId Home { get; init; }

    [Id(4)] public required SystemSite HomeSite { get; init; }

    [Id(5)] public required SystemSite PeerSite { get; init; }

    /// <summary>Name of the volume; null for a class R system without data of its own.</summary>
    [Id(6)] public string? Volume { get; init; }

    /// <summary>Made with this size at the home site when it is not there; null = it must exist.</summary>
    [Id(7)] public long? VolumeSizeBytes { get; init; }

    [Id(8)] public CopyMode CopyMode { get; init; } = CopyMode.Stream;

    [Id(9)] public double? BandwidthMbps { get; init; }

    [Id(10)] public ApprovalMode Approval { get; init; } = ApprovalMode.Automatic;

    /// <summary>More predicted loss than this needs a person.</summary>
    [Id(11)] public TimeSpan LossLimit { get; init; } = TimeSpan.FromMinutes(5);

    [Id(12)] public TimeSpan LeaseTtl { get; init; } = TimeSpan.FromSeconds(6);

    /// <summary>Time on trial before a takeover commits by itself.</summary>
    [Id(13)] public TimeSpan Trial { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>Period of points; zero = none by schedule.</summary>
    [Id(14)] public TimeSpan PointPeriod { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Name in the policy table, for people.</summary>
    [Id(15)] public string? Policy { get; init; }

    /// <summary>The appliance's volume refuses writes without a serving lease.</summary>
    [Id(16)] public bool Lease { get; init; } = true;

    /// <summary>Bandwidth class of the appliances that the copies keep to; null = as the appliances have it.</summary>
    [Id(17)] public string? BandwidthClass { get; init; }

    /// <summary>What its policy promises; null without a policy.</summary>
    [Id(40)] public PolicyTargets? Targets { get; init; }

    /// <summary>Version of the policies that these settings were made by.</summary>
    [Id(41)] public long PolicyVersion { get; init; }

    /// <summary>The volume that holds its programs and configuration; null = they lie on <see cref="Volume"/>.</summary>
    [Id(42)] public string? ApplicationVolume { get; init; }

    /// <summary>When a whole site goes over: smaller goes first.</summary>
    [Id(30)] public int Priority { get; init; } = 100;

    /// <summary>Systems that have to serve before this one makes sense.</summary>
    [Id(31)] public IReadOnlyList<SystemId> DependsOn { get; init; } = [];

    /// <summary>What it takes of a site's capacity, in the units of the sites' configuration.</summary>
    [Id(32)] public double Load { get; init; } = 1;

    /// <summary>The hosts have a fence device for the other site: used when the system is taken over, beside the order to stop.</summary>
    [Id(33)] public bool FenceDevice { get; init; }

    public SystemSite At(SiteId site) => site == HomeSite.Site ? HomeSite : PeerSite;

    public SystemSite Opposite(SiteId site) => site == HomeSite.Site ? PeerSite : HomeSite;
}

/// <summary>What a system has at one site.</summary>
[GenerateSerializer, Immutable, Alias("dr.SystemSite")]
public sealed record SystemSite
{
    [Id(0)] public required SiteId Site { get; init; }

    /// <summary>The device that runs the components.</summary>
    [Id(1)] public required DeviceId Host { get; init; }

    /// <summary>The device that holds the volume.</summary>
    [Id(2)] public DeviceId? Appliance { get; init; }

    /// <summary><c>host:port</c> of that appliance's replication listener.</summary>
    [Id(3)] public string? Replication { get; init; }
}
