namespace Dr.Silo.Decisions.Sites;

/// <summary>
/// Which systems of a site go over in which wave, and which do not fit. Pure. A wave holds systems of one rank of dependency, the most important first, at most <see cref="WaveMax"/> of them; a system goes in a later
/// wave than everything it depends on.
/// </summary>
[GenerateSerializer, Immutable, Alias("dr.SitePlan")]
public sealed record SitePlan
{
    /// <summary>At once: enough that a site of 50 systems is over in a few waves, few enough that the first ones get the machine for themselves.</summary>
    public const int WaveMax = 20;

    [Id(0)] public IReadOnlyList<IReadOnlyList<SystemId>> Waves { get; init; } = [];

    /// <summary>Systems that stay behind, each with the reason.</summary>
    [Id(1)] public IReadOnlyDictionary<SystemId, string> LeftOut { get; init; } = new Dictionary<SystemId, string>();

    /// <param name="members">The systems that are to move.</param>
    /// <param name="servedThere">Systems that serve at the destination already: they use capacity, and what depends on them need not wait.</param>
    /// <param name="capacity">Of the destination; null = it carries everything.</param>
    public static SitePlan Make(IReadOnlyList<SiteMember> members, IReadOnlyList<SiteMember> servedThere, double? capacity)
    {
        ArgumentNullException.ThrowIfNull(members);
        ArgumentNullException.ThrowIfNull(servedThere);
        var leftOut = new Dictionary<SystemId, string>();
        var known = members.ToDictionary(m => m.System);
        var there = servedThere.Select(m => m.System).ToHashSet();
        var rank = new Dictionary<SystemId, int>();
        foreach (var member in members.Where(m => Rank(m, known, there, rank, []) is null))
        {
            leftOut[member.System] = "It depends on itself, through what it depends on.";
        }

        // The most important first, but never before what they need: a system takes what it depends on with it.
        var left = capacity - servedThere.Sum(m => m.Load);
        var chosen = new HashSet<SystemId>();
        foreach (var member in members.Where(m => !leftOut.ContainsKey(m.System)).OrderBy(m => m.Priority).ThenBy(m => m.System.Value, StringComparer.Ordinal))
        {
            Choose(member);
        }

        foreach (var member in members.Where(m => !chosen.Contains(m.System) && !leftOut.ContainsKey(m.System)))
        {
            leftOut[member.System] = $"It does not fit: it takes {member.Load:0.##} and {Math.Max(0, left ?? 0):0.##} of {capacity:0.##} is left.";
        }

        var waves = members.Where(m => chosen.Contains(m.System))
            .GroupBy(m => rank[m.System]).OrderBy(g => g.Key)
            .SelectMany(g => g.OrderBy(m => m.Priority).ThenBy(m => m.System.Value, StringComparer.Ordinal).Chunk(WaveMax))
            .Select(wave => (IReadOnlyList<SystemId>)[.. wave.Select(m => m.System)]);
        return new SitePlan { Waves = [.. waves], LeftOut = leftOut };

        void Choose(SiteMember member)
        {
            var needed = new List<SiteMember>();
            if (!Needs(member, needed))
            {
                leftOut.TryAdd(member.System, $"It depends on {string.Join(", ", member.DependsOn.Where(d => !there.Contains(d) && !chosen.Contains(d)))}, which does not go.");
                return;
            }

            var load = needed.Sum(m => m.Load);
            if (left is { } room && load > room)
            {
                return; // A smaller one behind it may still fit.
            }

            left -= load;
            chosen.UnionWith(needed.Select(m => m.System));
        }

        bool Needs(SiteMember member, List<SiteMember> needed)
        {
            if (chosen.Contains(member.System) || needed.Contains(member))
            {
                return true;
            }

            needed.Add(member);
            return member.DependsOn.All(d => there.Contains(d) || (known.TryGetValue(d, out var other) && !leftOut.ContainsKey(d) && Needs(other, needed)));
        }
    }

    /// <summary>How many steps of dependency lie before a system; null = a circle.</summary>
    private static int? Rank(SiteMember member, Dictionary<SystemId, SiteMember> known, HashSet<SystemId> there, Dictionary<SystemId, int> ranks, HashSet<SystemId> path)
    {
        if (ranks.TryGetValue(member.System, out var found))
        {
            return found;
        }

        if (!path.Add(member.System))
        {
            return null;
        }

        var rank = 0;
        foreach (var other in member.DependsOn.Where(d => !there.Contains(d)).Select(known.GetValueOrDefault).OfType<SiteMember>())
        {
            if (Rank(other, known, there, ranks, path) is not { } before)
            {
                return null;
            }

            rank = Math.Max(rank, before + 1);
        }

        path.Remove(member.System);
        return ranks[member.System] = rank;
    }
}
