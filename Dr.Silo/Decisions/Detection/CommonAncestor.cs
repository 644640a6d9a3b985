namespace Dr.Silo.Decisions.Detection;

/// <summary>A place in the tree of what depends on what: broker, line, branch, switch, device.</summary>
public sealed record TopologyNode(string Id, string Kind, string? Parent);

/// <summary>What many silences at once have in common.</summary>
/// <param name="Share">How many of the devices below it are suspects, 0–1.</param>
public sealed record SharedCause(TopologyNode Node, int Suspects, int Devices, double Share);

/// <summary>
/// When more than <see cref="MassShare"/> of a group is suspect at once, one thing above them has failed, not each of them: finds the smallest one that
/// explains them.
/// </summary>
public static class CommonAncestor
{
    public const double MassShare = 0.2;

    /// <summary>A cause explains its devices when nearly all below it are silent; a few may have another way.</summary>
    public const double ExplainedShare = 0.8;

    public static bool IsMass(int suspects, int group) => group > 1 && suspects > 1 && suspects > group * MassShare;

    /// <summary>The smallest node that has every suspect below it and explains them; null when they have nothing in common.</summary>
    public static SharedCause? Find(IReadOnlyCollection<TopologyNode> topology, IReadOnlyCollection<string> suspects)
    {
        ArgumentNullException.ThrowIfNull(topology);
        ArgumentNullException.ThrowIfNull(suspects);
        var byId = topology.ToDictionary(n => n.Id, StringComparer.Ordinal);
        var inner = topology.Select(n => n.Parent).OfType<string>().ToHashSet(StringComparer.Ordinal);
        var silent = suspects.ToHashSet(StringComparer.Ordinal);
        var below = new Dictionary<string, (int Devices, int Silent)>(StringComparer.Ordinal);
        foreach (var leaf in topology.Where(n => !inner.Contains(n.Id)))
        {
            var isSilent = silent.Contains(leaf.Id) ? 1 : 0;

            // Bounded by the number of nodes, so that a loop in a hand-written topology ends.
            var at = leaf.Parent;
            for (var steps = 0; at is not null && steps <= byId.Count; steps++)
            {
                var (devices, count) = below.GetValueOrDefault(at);
                below[at] = (devices + 1, count + isSilent);
                at = byId.TryGetValue(at, out var node) ? node.Parent : null;
            }
        }

        return topology
            .Where(node => below.TryGetValue(node.Id, out var counts) && counts.Silent == silent.Count)
            .Select(node => new SharedCause(node, silent.Count, below[node.Id].Devices, (double)silent.Count / below[node.Id].Devices))
            .Where(cause => cause.Share >= ExplainedShare)
            .MinBy(cause => cause.Devices);
    }
}
