namespace Dr.Edge.Volumes.Retention;

/// <summary>Policies as people write and read them: <c>24h:5m,7d:1h,30d:1d</c>, <c>5m</c>, <c>off</c>.</summary>
internal static class PolicyText
{
    public const string Off = "off";
    public const string Forever = "forever";
    public const string Refuse = "refuse";
    public const string GivesWay = "history-gives-way";

    private static readonly (TimeSpan Unit, string Suffix)[] Units =
        [(TimeSpan.FromDays(1), "d"), (TimeSpan.FromHours(1), "h"), (TimeSpan.FromMinutes(1), "m"), (TimeSpan.FromSeconds(1), "s"), (TimeSpan.FromMilliseconds(1), "ms")];

    /// <summary>Tiers, youngest first.</summary>
    /// <exception cref="DrException">Not <c>AGE:EVERY,…</c>.</exception>
    public static IReadOnlyList<RetentionTier> ParseTiers(string text, string where)
    {
        var tiers = new List<RetentionTier>();
        foreach (var part in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var pair = part.Split(':', StringSplitOptions.TrimEntries);
            if (pair.Length != 2)
            {
                throw new DrException($"{where}: '{part}' is no tier.", "Write AGE:EVERY, youngest first, for example 24h:5m,7d:1h,30d:1d.");
            }

            tiers.Add(new RetentionTier(Quantities.ParseDuration(pair[0], where), Quantities.ParseDuration(pair[1], where)));
        }

        return tiers.Count > 0 ? tiers : throw new DrException($"{where}: no tiers in '{text}'.", "Write AGE:EVERY, youngest first, for example 24h:5m,7d:1h,30d:1d.");
    }

    /// <summary>A duration, or zero for <paramref name="none"/>.</summary>
    public static TimeSpan ParseSpan(string text, string none, string where) => text.Trim() == none ? TimeSpan.Zero : Quantities.ParseDuration(text, where);

    /// <exception cref="DrException">Neither of the two.</exception>
    public static FullPolicy ParseWhenFull(string text, string where) => text.Trim() switch
    {
        Refuse => FullPolicy.RefuseWrites,
        GivesWay => FullPolicy.HistoryGivesWay,
        _ => throw new DrException($"{where}: '{text}' is not known.", $"'{Refuse}' keeps all history and refuses writes when the disk is full; '{GivesWay}' lets the oldest points go first."),
    };

    public static string WhenFull(FullPolicy policy) => policy == FullPolicy.RefuseWrites ? Refuse : GivesWay;

    /// <summary>In the largest unit that needs no fraction: <c>36h</c>, <c>1d</c>, <c>90s</c>.</summary>
    public static string Span(TimeSpan span)
    {
        foreach (var (unit, suffix) in Units)
        {
            if (span.Ticks % unit.Ticks == 0 && (span >= unit || suffix == "ms"))
            {
                return string.Create(CultureInfo.InvariantCulture, $"{span.Ticks / unit.Ticks}{suffix}");
            }
        }

        return string.Create(CultureInfo.InvariantCulture, $"{span.TotalMilliseconds}ms");
    }

    public static string Tiers(IReadOnlyList<RetentionTier> tiers) => string.Join(',', tiers.Select(tier => $"{Span(tier.Within)}:{Span(tier.Every)}"));
}
