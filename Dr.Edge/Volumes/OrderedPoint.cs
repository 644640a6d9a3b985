namespace Dr.Edge.Volumes;

/// <summary>
/// Points that a command of the control plane asked for. Which command is said in the point's reason, so it is durable in the same record as the point and goes with it to every copy: whoever is given the command again after a crash
/// finds what became of it. Pure.
/// </summary>
internal static class OrderedPoint
{
    private const string Mark = "ordered by ";
    private const string Then = ": ";

    /// <param name="rest">What quiesced the volume, or why nothing did.</param>
    public static string Reason(CommandId order, string? rest) => $"{Mark}{order}{(string.IsNullOrEmpty(rest) ? "" : $"{Then}{rest}")}";

    /// <summary>The point of this command; null when none is there.</summary>
    public static PointInfo? Of(IEnumerable<PointInfo> points, CommandId order) => points.LastOrDefault(p => Find(p.Reason, order) is not null);

    /// <summary>The reason without the command; null when nothing else is in it.</summary>
    public static string? Rest(string? reason, CommandId order)
    {
        if (reason is null || Find(reason, order) is not { } mark)
        {
            return reason;
        }

        var (before, after) = (reason[..mark.Start.Value], reason[mark.End.Value..]);
        var rest = after.Length > 0 ? before + after[Then.Length..] : before.Length > 0 ? before[..^Then.Length] : "";
        return rest.Length > 0 ? rest : null;
    }

    /// <summary>Where the command stands in the reason; null when it does not, also where it only begins like another one.</summary>
    private static Range? Find(string? reason, CommandId order)
    {
        var words = Mark + order;
        for (var at = reason?.IndexOf(words, StringComparison.Ordinal) ?? -1; at >= 0; at = reason!.IndexOf(words, at + 1, StringComparison.Ordinal))
        {
            var end = at + words.Length;
            if ((at == 0 || reason!.AsSpan(0, at).EndsWith(Then, StringComparison.Ordinal)) && (end == reason!.Length || reason.AsSpan(end).StartsWith(Then, StringComparison.Ordinal)))
            {
                return at..end;
            }
        }

        return null;
    }
}
