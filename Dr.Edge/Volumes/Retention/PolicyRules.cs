using Dr.Edge.Volumes.Format;

namespace Dr.Edge.Volumes.Retention;

/// <summary>What a policy may say: <see cref="RetentionLimits"/> on this appliance.</summary>
internal static class PolicyRules
{
    /// <exception cref="DrException">The policy cannot be followed.</exception>
    public static void Check(VolumePolicy policy) => RetentionLimits.Check(policy.PointsEvery, policy.Keep, policy.KeepManual, policy.FineWindow);

    /// <summary>What the owner should know about a policy that is allowed; null when there is nothing.</summary>
    public static string? Advice(EffectivePolicy policy)
    {
        if (policy.PointsEvery == TimeSpan.Zero)
        {
            return null;
        }

        var asked = RetentionLimits.CountAskedFor(policy.Keep, policy.PointsEvery);
        return asked > StoreLimits.MaxPoints
            ? $"these tiers ask for {asked} points and a volume holds {StoreLimits.MaxPoints}: the points that lie densest for their age give way"
            : null;
    }
}
