using Dr.Contracts.Grains;
using Dr.Silo.Decisions.Failover;
using Dr.Simulator.World;

namespace Dr.Simulator.Years;

/// <summary>
/// The business systems of a random year: one of each way in which the product protects, with the rates of the log's systems that they stand for. <see cref="Name"/> is that system's.
/// </summary>
/// <param name="DoorOnly">Witnesses only see whether somebody answers at the door, as a TCP connection does; of the others they see whether their transactions succeed.</param>
internal sealed record YearSystem(string Name, SystemSettings Settings, bool DoorOnly)
{
    public bool Sync => Settings.CopyMode == CopyMode.Sync;

    public bool HasVolume => Settings.Volume is not null;

    public static SiteId SiteOf(int index) => index == 0 ? Places.ProductionSite : Places.BackupSite;

    public DeviceId HostAt(int site) => Settings.At(SiteOf(site)).Host;

    public DeviceId? ApplianceAt(int site) => Settings.At(SiteOf(site)).Appliance;
}

internal static class YearSystems
{
    /// <summary>Mirrored and leased; streamed and leased; streamed without a lease, with a fence device, and a person who decides; repointed without a volume.</summary>
    public static IReadOnlyList<YearSystem> All { get; } =
    [
        Make("dilas", TakeoverClass.T, CopyMode.Sync, lease: true, fence: false, ApprovalMode.Automatic),
        Make("opac", TakeoverClass.T, CopyMode.Stream, lease: true, fence: false, ApprovalMode.Automatic, doorOnly: true),
        Make("uit", TakeoverClass.T, CopyMode.Stream, lease: false, fence: true, ApprovalMode.Person),
        Make("web", TakeoverClass.R, null, lease: false, fence: false, ApprovalMode.Automatic),
    ];

    private static YearSystem Make(string name, TakeoverClass takeover, CopyMode? copy, bool lease, bool fence, ApprovalMode approval, bool doorOnly = false)
    {
        var volume = copy is null ? null : name;
        SystemSite At(SiteId site) => new()
        {
            Site = site,
            Host = new DeviceId($"{site}-{name}"),
            Appliance = copy is null ? null : new DeviceId($"{site}-appliance"),
            Replication = copy is null ? null : $"{site}-appliance:10810",
        };
        return new YearSystem(name, new SystemSettings
        {
            Id = new SystemId(name),
            Name = name,
            Class = takeover,
            Home = Places.ProductionSite,
            HomeSite = At(Places.ProductionSite),
            PeerSite = At(Places.BackupSite),
            Volume = volume,
            CopyMode = copy ?? CopyMode.Stream,
            Approval = approval,
            Lease = lease,
            FenceDevice = fence,
        }, doorOnly);
    }
}
