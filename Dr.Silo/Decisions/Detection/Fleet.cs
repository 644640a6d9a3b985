using Dr.Contracts.Grains;

namespace Dr.Silo.Decisions.Detection;

/// <summary>What depends on what, from the configuration: device, switch, site, line, broker. Pure.</summary>
public static class Fleet
{
    private const string Broker = "broker:broker";

    public static IReadOnlyList<TopologyNode> Topology(IReadOnlyCollection<FleetMember> members)
    {
        ArgumentNullException.ThrowIfNull(members);
        var nodes = new Dictionary<string, TopologyNode>(StringComparer.Ordinal) { [Broker] = new(Broker, "broker", null) };
        foreach (var member in members)
        {
            var site = $"site:{member.Site}";
            var line = member.Line is { } name ? $"line:{name}" : null;
            if (line is not null)
            {
                nodes.TryAdd(line, new TopologyNode(line, "line", Broker));
            }

            if (!nodes.TryGetValue(site, out var known) || known.Parent == Broker)
            {
                nodes[site] = new TopologyNode(site, "site", line ?? Broker);
            }

            var parent = site;
            if (member.Switch is { } inside)
            {
                parent = $"switch:{member.Site}.{inside}";
                nodes.TryAdd(parent, new TopologyNode(parent, "switch", site));
            }

            nodes[$"device:{member.Device}"] = new TopologyNode($"device:{member.Device}", "device", parent);
        }

        return [.. nodes.Values];
    }

    /// <summary>The smallest thing that explains the silences of the groups that are a mass; null when none is, or nothing explains them.</summary>
    public static SharedCause? CauseOf(IReadOnlyCollection<FleetMember> members, IReadOnlySet<DeviceId> silent, DeviceId? device)
    {
        ArgumentNullException.ThrowIfNull(silent);
        if (device is { } suspect && !silent.Contains(suspect))
        {
            return null;
        }

        // The widest group first: a broker that is gone makes every site look lost.
        var topology = Topology(members);
        return Groups(members, device).Where(g => IsMass(g, silent))
            .OrderByDescending(g => g.Count)
            .Select(g => CommonAncestor.Find(topology, [.. g.Where(m => silent.Contains(m.Device)).Select(m => $"device:{m.Device}")]))
            .FirstOrDefault(cause => cause is not null && cause.Node.Kind != "device");
    }

    private static bool IsMass(List<FleetMember> group, IReadOnlySet<DeviceId> silent) => CommonAncestor.IsMass(group.Count(m => silent.Contains(m.Device)), group.Count);

    private static List<List<FleetMember>> Groups(IReadOnlyCollection<FleetMember> members, DeviceId? device)
    {
        var me = members.FirstOrDefault(m => m.Device == device);
        return
        [
            [.. members],
            .. members.GroupBy(m => m.Site).Where(g => device is null || g.Key == me?.Site).Select(g => g.ToList()),
            .. members.Where(m => m.Line is not null).GroupBy(m => m.Line, StringComparer.Ordinal).Where(g => device is null || g.Key == me?.Line).Select(g => g.ToList()),
        ];
    }
}
