using Dr.Contracts.Cli;
using Dr.Contracts.Errors;

namespace Dr.Contracts.Policy;

/// <summary>Retention as people write and read it: <c>24h:5m,7d:1h,30d:1d</c>, <c>5m</c>, <c>off</c>, <c>forever</c>.</summary>
public static class RetentionText
{
    public const string Off = "off";
    public const string Forever = "forever";

    private static readonly (TimeSpan Unit, string Suffix)[] Units =
        [(TimeSpan.FromDays(1), "d"), (TimeSpan.FromHours(1), "h"), (TimeSpan.FromMinutes(1), "m"), (TimeSpan.FromSeconds(1), "s"), (TimeSpan.FromMilliseconds(1), "ms")];

    /// <summary>Tiers, youngest first.</summary>
    /// <exception cref="DrException">Not <c>AGE:EVERY,…</c>.</exception>
    public static IReadOnlyList<RetentionTier> ParseTiers(string text, string where)
    {
        ArgumentNullException.ThrowIfNull(text);
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
    public static TimeSpan ParseSpan(string text, string none, string where)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.Trim() == none ? TimeSpan.Zero : Quantities.ParseDuration(text, where);
    }

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
