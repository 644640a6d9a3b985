namespace Dr.Edge.Nbd.Contexts;

/// <summary>Names of contexts and what queries mean. Pure.</summary>
internal static class ContextNames
{
    public const string Allocation = "base:allocation";

    public const string Depth = "qemu:allocation-depth";

    public const string ChangesPrefix = "qemu:dirty-bitmap:";

    private const string BaseNamespace = "base:";

    private const string QemuNamespace = "qemu:";

    /// <summary>
    /// What LIST answers: everything when nothing is asked; a namespace or the prefix alone stands for all in it; else exact names. Each once, in our order; what is not known is left out.
    /// </summary>
    /// <param name="queries">As the client sent them.</param>
    /// <param name="points">Ids of the points that changes can be asked since.</param>
    /// <param name="isPoint">Whether a text names such a point in another way, by its label.</param>
    public static List<string> Matching(IReadOnlyList<string> queries, IReadOnlyList<string> points, Func<string, bool> isPoint)
    {
        var asked = queries.ToHashSet(StringComparer.Ordinal);
        var all = asked.Count == 0;
        var names = new List<string>();
        if (all || asked.Contains(BaseNamespace) || asked.Contains(Allocation))
        {
            names.Add(Allocation);
        }

        if (all || asked.Contains(QemuNamespace) || asked.Contains(Depth))
        {
            names.Add(Depth);
        }

        var allChanges = all || asked.Contains(QemuNamespace) || asked.Contains(ChangesPrefix);
        names.AddRange(points.Select(point => ChangesPrefix + point).Where(name => allChanges || asked.Contains(name)));
        names.AddRange(asked.Except(names, StringComparer.Ordinal).Where(query => PointOf(query) is { } point && isPoint(point)).ToList());
        return names;
    }

    /// <summary>The point of a name like <c>qemu:dirty-bitmap:POINT</c>; null for any other, and for the bare prefix, which is a wildcard and selects nothing.</summary>
    public static string? PointOf(string name) =>
        name.Length > ChangesPrefix.Length && name.StartsWith(ChangesPrefix, StringComparison.Ordinal) ? name[ChangesPrefix.Length..] : null;
}
