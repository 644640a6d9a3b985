using Dr.Contracts.Grains;
using Dr.Contracts.Ids;

namespace Dr.Silo.Tests.Decisions;

/// <summary>A system as configured, for tests of the core.</summary>
internal static class Systems
{
    public static SystemSettings Dilas { get; } = new()
    {
        Id = new SystemId("dilas"),
        Name = "DILAS",
        Class = TakeoverClass.T,
        Home = new SiteId("production"),
        HomeSite = new SystemSite { Site = new SiteId("production"), Host = new DeviceId("prod-1"), Appliance = new DeviceId("prod-1"), Replication = "10.0.0.1:4000" },
        PeerSite = new SystemSite { Site = new SiteId("backup"), Host = new DeviceId("back-1"), Appliance = new DeviceId("back-1"), Replication = "10.0.0.2:4000" },
        Volume = "dilas",
    };
}
