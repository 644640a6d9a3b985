using Dr.Edge.Volumes.Format;

namespace Dr.Edge.Volumes.Retention;

/// <summary>What a policy may say. Every refusal names the part, the value and what would do.</summary>
internal static class PolicyRules
{
    /// <summary>More often than this, points cost more than what they show: each one is a flush and a file.</summary>
    public static readonly TimeSpan MinPointsEvery = TimeSpan.FromSeconds(1);

    /// <summary>Longest span anywhere in a policy: ten years.</summary>
    public static readonly TimeSpan MaxSpan = TimeSpan.FromDays(3653);

    public const int MaxTiers = 16;

    /// <exception cref="DrException">The policy cannot be followed.</exception>
    public static void Check(VolumePolicy policy)
    {
        if (policy.PointsEvery is { } every && every != TimeSpan.Zero && (every < MinPointsEvery || every > MaxSpan))
        {
            throw new DrException($"Points cannot be taken every {PolicyText.Span(every)}.", $"From {PolicyText.Span(MinPointsEvery)} to {PolicyText.Span(MaxSpan)}, or 'off'.");
        }

        if (policy.FineWindow is { } window && (window < EffectivePolicy.MinFineWindow || window > MaxSpan))
        {
            throw new DrException($"A fine window of {PolicyText.Span(window)} is not possible.", $"From {PolicyText.Span(EffectivePolicy.MinFineWindow)} to {PolicyText.Span(MaxSpan)}.");
        }

        if (policy.KeepManual is { } manual && (manual < TimeSpan.Zero || manual > MaxSpan))
        {
            throw new DrException($"Points that were asked for cannot be kept for {PolicyText.Span(manual)}.", $"At most {PolicyText.Span(MaxSpan)}, or 'forever'.");
        }

        if (policy.Keep is { } tiers)
        {
            CheckTiers(tiers);
        }
    }

    /// <summary>How many automatic points the tiers ask for when one is taken every <paramref name="pointsEvery"/>. More than a volume holds is allowed: the densest then give way.</summary>
    public static long CountAskedFor(IReadOnlyList<RetentionTier> tiers, TimeSpan pointsEvery)
    {
        long count = 0;
        var from = TimeSpan.Zero;
        foreach (var tier in tiers)
        {
            count += (tier.Within - from).Ticks / Math.Max(Math.Max(tier.Every.Ticks, pointsEvery.Ticks), 1);
            from = tier.Within;
        }

        return count;
    }

    /// <summary>What the owner should know about a policy that is allowed; null when there is nothing.</summary>
    public static string? Advice(EffectivePolicy policy)
    {
        if (policy.PointsEvery == TimeSpan.Zero)
        {
            return null;
        }

        var asked = CountAskedFor(policy.Keep, policy.PointsEvery);
        return asked > StoreLimits.MaxPoints
            ? $"these tiers ask for {asked} points and a volume holds {StoreLimits.MaxPoints}: the points that lie densest for their age give way"
            : null;
    }

    private static void CheckTiers(IReadOnlyList<RetentionTier> tiers)
    {
        if (tiers.Count > MaxTiers)
        {
            throw new DrException($"{tiers.Count} tiers are too many.", $"At most {MaxTiers}.");
        }

        RetentionTier? before = null;
        foreach (var tier in tiers)
        {
            var text = $"{PolicyText.Span(tier.Within)}:{PolicyText.Span(tier.Every)}";
            if (tier.Every < MinPointsEvery || tier.Within < tier.Every || tier.Within > MaxSpan)
            {
                throw new DrException($"The tier {text} keeps nothing.", $"AGE:EVERY, for example 7d:1h: EVERY at least {PolicyText.Span(MinPointsEvery)}, AGE at least EVERY and at most {PolicyText.Span(MaxSpan)}.");
            }

            if (before is not null && (tier.Within <= before.Within || tier.Every < before.Every))
            {
                throw new DrException(
                    $"The tier {text} does not follow {PolicyText.Span(before.Within)}:{PolicyText.Span(before.Every)}.", "Youngest first; each tier reaches further back and is no denser than the one before: 24h:5m,7d:1h,30d:1d.");
            }

            before = tier;
        }
    }
}
