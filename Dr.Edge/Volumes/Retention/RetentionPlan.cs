namespace Dr.Edge.Volumes.Retention;

/// <summary>
/// Decides which points go now. Pure: the same points, policy and limit give the same answer.
/// <list type="bullet">
/// <item>Points that somebody asked for go only when the policy says after how long; protected ones (held, the newest, what a copy needs) never.</item>
/// <item>Ages count from the newest point, or from the clock when that is earlier: a volume that nobody writes to, and one that was switched off for a month, lose nothing until a point has been taken after it.</item>
/// <item>Of the automatic points of a tier, one stays for each <see cref="RetentionTier.Every"/>, counted from the oldest on; whatever else is kept does not change which.</item>
/// <item>Points from the future (the clock was put back) have no age: only the limit takes them.</item>
/// <item>Above the limit, the automatic points go first that lie densest for their age, so that every age keeps its share.</item>
/// </list>
/// </summary>
internal static class RetentionPlan
{
    /// <summary>Two points count as <see cref="RetentionTier.Every"/> apart from nine tenths on: a schedule is never late by the same amount twice.</summary>
    public const int ToleranceTenths = 9;

    /// <param name="points">Oldest first.</param>
    /// <param name="policy">Tiers, and how long points that were asked for are kept.</param>
    /// <param name="now">The clock.</param>
    /// <param name="limit">Points that may be left.</param>
    public static RetentionVerdict Decide(IReadOnlyList<RetentionPoint> points, EffectivePolicy policy, DateTimeOffset now, int limit)
    {
        var goes = new bool[points.Count];
        if (points.Count > 0)
        {
            var reference = points[^1].At < now ? points[^1].At : now;
            MarkByAge(points, policy, reference, goes);
            MarkByLimit(points, reference, limit, goes);
        }

        var left = goes.Count(g => !g);
        return new RetentionVerdict([.. points.Where((_, i) => goes[i]).Select(point => point.Id)], left <= limit);
    }

    private static void MarkByAge(IReadOnlyList<RetentionPoint> points, EffectivePolicy policy, DateTimeOffset reference, bool[] goes)
    {
        DateTimeOffset? kept = null;
        for (var i = 0; i < points.Count; i++)
        {
            var point = points[i];
            var age = reference - point.At;
            if (!point.IsAutomatic)
            {
                goes[i] = policy.KeepManual > TimeSpan.Zero && age > policy.KeepManual && CanGo(points, i);
                continue;
            }

            if (age < TimeSpan.Zero || policy.Keep.Count == 0)
            {
                continue;
            }

            var tier = TierOf(policy.Keep, age);
            if (tier is not null && IsFarEnough(kept, point.At, tier.Every))
            {
                kept = point.At;
            }
            else
            {
                goes[i] = CanGo(points, i);
            }
        }
    }

    private static RetentionTier? TierOf(IReadOnlyList<RetentionTier> tiers, TimeSpan age)
    {
        foreach (var tier in tiers)
        {
            if (age <= tier.Within)
            {
                return tier;
            }
        }

        return null;
    }

    // A point that is earlier than the one before it begins anew: the clock was put back between them.
    private static bool IsFarEnough(DateTimeOffset? kept, DateTimeOffset at, TimeSpan every) =>
        kept is not { } last || at < last || (at - last).Ticks / ToleranceTenths >= every.Ticks / 10;

    private static void MarkByLimit(IReadOnlyList<RetentionPoint> points, DateTimeOffset reference, int limit, bool[] goes)
    {
        for (var left = goes.Count(g => !g); left > limit; left--)
        {
            var victim = Densest(points, reference, goes);
            if (victim < 0)
            {
                return;
            }

            goes[victim] = true;
        }
    }

    /// <summary>The automatic point whose neighbours lie closest together for its age; -1 when none may go. The oldest of all goes last: it is how far the history reaches.</summary>
    private static int Densest(IReadOnlyList<RetentionPoint> points, DateTimeOffset reference, bool[] goes)
    {
        var victim = -1;
        var smallest = double.MaxValue;
        var before = -1;
        for (var i = 0; i < points.Count; i++)
        {
            if (goes[i])
            {
                continue;
            }

            if (points[i].IsAutomatic && CanGo(points, i))
            {
                var after = i + 1;
                while (goes[after])
                {
                    after++;
                }

                var density = before < 0
                    ? double.MaxValue / 2
                    : Math.Abs((points[after].At - points[before].At).TotalSeconds) / (Math.Max((reference - points[i].At).TotalSeconds, 0) + 1);
                if (density < smallest)
                {
                    (smallest, victim) = (density, i);
                }
            }

            before = i;
        }

        return victim;
    }

    // The newest is what the history is as fresh as.
    private static bool CanGo(IReadOnlyList<RetentionPoint> points, int index) => !points[index].IsProtected && index < points.Count - 1;
}

/// <summary>A point as retention sees it.</summary>
/// <param name="IsAutomatic">Taken by the appliance itself.</param>
/// <param name="IsProtected">Something holds it: it stays, whatever the policy says.</param>
internal readonly record struct RetentionPoint(PointId Id, DateTimeOffset At, bool IsAutomatic, bool IsProtected);

/// <param name="Goes">Points that give way, oldest first.</param>
/// <param name="Fits">False when more points than the limit are left because none of them may go.</param>
internal sealed record RetentionVerdict(IReadOnlyList<PointId> Goes, bool Fits);
