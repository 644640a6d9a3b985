namespace Dr.Simulator.World;

/// <summary>
/// The places of the paper: a machine room and a second site, an Internet access of 20 Mbit/s and an MPLS VPN access of 15 Mbit/s between them, floors,
/// branches, street kiosks; and a third place where the control plane has its deciding member.
/// </summary>
internal static class Places
{
    public const string Control = "third-place";
    public const string Core = "production-core-switch";
    public const string Dmz = "production-dmz-switch";
    public const string Firewall = "production-firewall";
    public const string Optical = "telecom-optical-receiver";
    public const string MplsAccess = "production-mpls-access";
    public const string Internet = "internet";
    public const string Mpls = "mpls-vpn";
    public const string Floor1 = "floor-1-switch";
    public const string Floor3 = "floor-3-ups-and-switches";
    public const string CheckoutSwitch = "self-checkout-switch";
    public const string Wifi = "wireless-controller";
    public const string Backup = "backup-core-switch";
    public const string ProductionAppliance = "production-appliance";
    public const string BackupAppliance = "backup-appliance";

    public static readonly SiteId ProductionSite = new("production");
    public static readonly SiteId BackupSite = new("backup");

    public static SiteId Other(SiteId site) => site == ProductionSite ? BackupSite : ProductionSite;

    public static string ApplianceOf(SiteId site) => site == ProductionSite ? ProductionAppliance : BackupAppliance;

    /// <summary>What a site consists of beside its hosts.</summary>
    public static IReadOnlyList<string> PartsOf(SiteId site) => site == ProductionSite ? [Core, Dmz, Firewall, Optical, MplsAccess, ProductionAppliance] : [Backup, BackupAppliance];

    /// <summary>Where readers and staff are: each place is also a witness.</summary>
    public static readonly IReadOnlyDictionary<string, string[]> Users = new Dictionary<string, string[]>(StringComparer.Ordinal)
    {
        ["floor 1"] = ["floor-1-desk-1", "floor-1-desk-2", "floor-1-desk-3"],
        ["floor 3"] = ["floor-3-desk-1", "floor-3-desk-2"],
        ["self-checkout machines"] = ["self-checkout-1", "self-checkout-2", "self-checkout-3"],
        ["wireless readers"] = ["wireless-1", "wireless-2"],
        ["branches"] = ["branch-futian", "branch-luohu", "branch-nanshan"],
        ["street kiosks"] = ["kiosk-1", "kiosk-2", "kiosk-3", "kiosk-4", "kiosk-5", "kiosk-6"],
        ["readers on the Internet"] = ["internet-telecom", "internet-unicom", "internet-mobile"],
    };

    /// <summary>Key of a part's name in the texts.</summary>
    public static string TextOf(string part) => part.StartsWith("switch-port-", StringComparison.Ordinal) ? "part.port" : $"part.{part}";

    public static string Port(SystemId system) => $"switch-port-{system}";

    public static string Host(SystemId system, SiteId site) => $"{site}-host-{system}";

    public static bool IsInside(string place) => place.StartsWith("floor", StringComparison.Ordinal) || place.StartsWith("self", StringComparison.Ordinal) || place.StartsWith("wireless", StringComparison.Ordinal);

    /// <summary>The network without the hosts.</summary>
    public static NetworkGraph Build()
    {
        var graph = new NetworkGraph();
        graph.Link(Core, Firewall);
        graph.Link(Firewall, Dmz);
        graph.Link(Firewall, Optical);
        graph.Link(Optical, Internet);
        graph.Link(Core, MplsAccess);
        graph.Link(MplsAccess, Mpls);
        graph.Link(Core, Floor1);
        graph.Link(Core, Floor3);
        graph.Link(Core, CheckoutSwitch);
        graph.Link(Core, Wifi);
        graph.Link(Core, ProductionAppliance);
        graph.Link(Backup, Internet);
        graph.Link(Backup, Mpls);
        graph.Link(Backup, BackupAppliance);
        graph.Link(Control, Internet);
        graph.Link(Control, Mpls);
        foreach (var (at, places) in new[]
        {
            (Floor1, "floor 1"), (Floor3, "floor 3"), (CheckoutSwitch, "self-checkout machines"), (Wifi, "wireless readers"),
            (Mpls, "branches"), (Mpls, "street kiosks"), (Internet, "readers on the Internet"),
        })
        {
            foreach (var place in Users[places])
            {
                graph.Link(at, place);
            }
        }

        // Nobody's traffic is relayed by the third place, and the backup site's two lines carry its own only.
        graph.End(Control);
        graph.End(Backup, place => place == BackupAppliance || place.StartsWith("backup-host", StringComparison.Ordinal));
        return graph;
    }

    /// <summary>Adds a system's host at both sites.</summary>
    public static void AddHosts(NetworkGraph graph, SystemId system)
    {
        var at = system.Value switch
        {
            "web" or "opac" or "mail" => Dmz,
            "wireless" => Wifi,
            _ => Core,
        };
        graph.Link(at, Port(system));
        graph.Link(Port(system), Host(system, ProductionSite));
        graph.Link(Backup, Host(system, BackupSite));
    }

    /// <summary>Who uses a system, by share.</summary>
    public static IReadOnlyList<(string Group, double Share)> UsersOf(SystemId system) => system.Value switch
    {
        "dilas" => [("floor 1", 0.4), ("floor 3", 0.2), ("branches", 0.2), ("street kiosks", 0.15), ("readers on the Internet", 0.05)],
        "self-service-library" or "kiosk-24h" => [("street kiosks", 1)],
        "unified-service" or "ulas" => [("branches", 1)],
        "library-city" => [("branches", 0.6), ("readers on the Internet", 0.4)],
        "self-checkout" => [("self-checkout machines", 1)],
        "wireless" => [("wireless readers", 1)],
        "oa" => [("floor 1", 0.5), ("floor 3", 0.5)],
        "epaper" => [("floor 1", 0.5), ("floor 3", 0.5)],
        "web" or "opac" => [("readers on the Internet", 0.7), ("floor 1", 0.2), ("floor 3", 0.1)],
        _ => [("readers on the Internet", 0.5), ("floor 1", 0.3), ("floor 3", 0.2)],
    };
}
