namespace Dr.Simulator.World;

/// <summary>An access between the sites.</summary>
/// <param name="Network">As the policies name it.</param>
/// <param name="Mbps">Megabits (10⁶) per second, both ways; printed below table 2.</param>
/// <param name="Parts">What has to work for it.</param>
internal sealed record NetworkLine(string Network, double Mbps, IReadOnlyList<string> Parts)
{
    public static IReadOnlyList<NetworkLine> All { get; } =
    [
        new("internet", 20, [Places.Firewall, Places.Optical, Places.Internet]),
        new("mpls-vpn", 15, [Places.MplsAccess, Places.Mpls]),
    ];

    /// <summary>Null for a network that the paper does not have.</summary>
    public static NetworkLine? Find(string network) => All.FirstOrDefault(l => l.Network == network);

    public bool Works(NetworkGraph graph) => Parts.All(graph.IsUp);
}
