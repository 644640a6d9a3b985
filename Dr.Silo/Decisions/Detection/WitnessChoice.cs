namespace Dr.Silo.Decisions.Detection;

/// <summary>A device that could say whether it reaches a suspect.</summary>
/// <param name="Path">The line by which it looks.</param>
/// <param name="HeardAt">Its last report about the suspect.</param>
public sealed record WitnessCandidate(DeviceId Device, SiteId Site, string Path, bool InsideSite, DateTimeOffset HeardAt);

/// <summary>Whom to ask at once about a suspect: as many different paths as there are, first one from each, outside before inside, the freshest first. Pure.</summary>
public static class WitnessChoice
{
    public const int Least = 7;

    public const int Most = 15;

    /// <summary>At most <see cref="Most"/>; beyond one for each path only as many as make up <see cref="Least"/>: more from one path say nothing more.</summary>
    public static IReadOnlyList<DeviceId> Pick(IEnumerable<WitnessCandidate> candidates, DeviceId suspect)
    {
        var byPath = candidates.Where(c => c.Device != suspect)
            .GroupBy(c => c.Path, StringComparer.Ordinal)
            .Select(g => g.OrderByDescending(c => c.HeardAt).ThenBy(c => c.Device.Value, StringComparer.Ordinal).ToArray())
            .OrderBy(g => g[0].InsideSite).ThenByDescending(g => g[0].HeardAt).ThenBy(g => g[0].Device.Value, StringComparer.Ordinal)
            .ToArray();
        var firsts = byPath.Select(g => g[0]).Take(Most).ToArray();
        var more = byPath.SelectMany(g => g.Skip(1)).OrderBy(c => c.InsideSite).ThenByDescending(c => c.HeardAt).Take(Math.Max(0, Least - firsts.Length));
        return [.. firsts.Concat(more).Select(c => c.Device)];
    }
}
