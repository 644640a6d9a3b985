using Dr.Contracts.Errors;

namespace Dr.Contracts.Policy;

/// <summary>What a volume's retention may say. Every refusal names the part, the value and what would do; the appliance and the control plane refuse the same.</summary>
public static class RetentionLimits
{
    /// <summary>More often than this, points cost more than what they show: each one is a flush and a file.</summary>
    public static readonly TimeSpan MinPointsEvery = TimeSpan.FromSeconds(1);

    /// <summary>Longest span anywhere in a policy: ten years.</summary>
    public static readonly TimeSpan MaxSpan = TimeSpan.FromDays(3653);

    /// <summary>Shortest fine window: below it a mistake is older than its undo before anybody has seen it.</summary>
    public static readonly TimeSpan MinFineWindow = TimeSpan.FromMinutes(5);

    public const int MaxTiers = 16;

    /// <summary>Null = not said. Zero of <paramref name="pointsEvery"/> is off, of <paramref name="keepManual"/> for ever.</summary>
    /// <exception cref="DrException">The retention cannot be followed.</exception>
    public static void Check(TimeSpan? pointsEvery, IReadOnlyList<RetentionTier>? keep, TimeSpan? keepManual, TimeSpan? fineWindow)
    {
        if (pointsEvery is { } every && every != TimeSpan.Zero && (every < MinPointsEvery || every > MaxSpan))
        {
            throw new DrException($"Points cannot be taken every {RetentionText.Span(every)}.", $"From {RetentionText.Span(MinPointsEvery)} to {RetentionText.Span(MaxSpan)}, or 'off'.");
        }

        if (fineWindow is { } window && (window < MinFineWindow || window > MaxSpan))
        {
            throw new DrException($"A fine window of {RetentionText.Span(window)} is not possible.", $"From {RetentionText.Span(MinFineWindow)} to {RetentionText.Span(MaxSpan)}.");
        }

        if (keepManual is { } manual && (manual < TimeSpan.Zero || manual > MaxSpan))
        {
            throw new DrException($"Points that were asked for cannot be kept for {RetentionText.Span(manual)}.", $"At most {RetentionText.Span(MaxSpan)}, or 'forever'.");
        }

        if (keep is not null)
        {
            CheckTiers(keep);
        }
    }

    /// <summary>How many automatic points the tiers ask for when one is taken every <paramref name="pointsEvery"/>. More than a volume holds is allowed: the densest then give way.</summary>
    public static long CountAskedFor(IReadOnlyList<RetentionTier> tiers, TimeSpan pointsEvery)
    {
        ArgumentNullException.ThrowIfNull(tiers);
        long count = 0;
        var from = TimeSpan.Zero;
        foreach (var tier in tiers)
        {
            count += (tier.Within - from).Ticks / Math.Max(Math.Max(tier.Every.Ticks, pointsEvery.Ticks), 1);
            from = tier.Within;
        }

        return count;
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
            var text = $"{RetentionText.Span(tier.Within)}:{RetentionText.Span(tier.Every)}";
            if (tier.Every < MinPointsEvery || tier.Within < tier.Every || tier.Within > MaxSpan)
            {
                throw new DrException($"The tier {text} keeps nothing.", $"AGE:EVERY, for example 7d:1h: EVERY at least {RetentionText.Span(MinPointsEvery)}, AGE at least EVERY and at most {RetentionText.Span(MaxSpan)}.");
            }

            if (before is not null && (tier.Within <= before.Within || tier.Every < before.Every))
            {
                throw new DrException(
                    $"The tier {text} does not follow {RetentionText.Span(before.Within)}:{RetentionText.Span(before.Every)}.", "Youngest first; each tier reaches further back and is no denser than the one before: 24h:5m,7d:1h,30d:1d.");
            }

            before = tier;
        }
    }
}
