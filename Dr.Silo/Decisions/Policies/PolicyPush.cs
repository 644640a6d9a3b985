using System.Security.Cryptography;
using System.Text;
using Dr.Contracts.Grains;
using Dr.Contracts.Policy;

namespace Dr.Silo.Decisions.Policies;

/// <summary>What an appliance has to be told so that its copy of a volume keeps to the policy. Pure.</summary>
public sealed record PolicyPush
{
    public required DeviceId Appliance { get; init; }

    public required TimeSpan? PointsEvery { get; init; }

    public required RetentionRules Retention { get; init; }

    public required BandwidthClass? Bandwidth { get; init; }

    public string? Peer { get; init; }

    public CopyMode? Mode { get; init; }

    /// <summary>Two pushes with the same key ask for the same.</summary>
    public string Key => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Create(
        CultureInfo.InvariantCulture,
        $"{PointsEvery}|{(Retention.Keep is { } keep ? RetentionText.Tiers(keep) : "")}|{Retention.KeepManual}|{Retention.FineWindow}|{Retention.HistoryGivesWay}|{Bandwidth}|{Peer}|{Mode}"))))[..16];

    /// <summary>One push per appliance that holds a copy; none without a policy.</summary>
    /// <param name="owner">The appliance whose copy is primary; the copy to the other one goes out from there.</param>
    /// <param name="copyIsThere">A copy goes out from the owner already: before that there is nothing to put into a class.</param>
    public static IReadOnlyList<PolicyPush> Of(VolumeSettings settings, DeviceId owner, bool copyIsThere)
    {
        ArgumentNullException.ThrowIfNull(settings);
        if (settings.Policy is not { } policy)
        {
            return [];
        }

        var retention = policy.Retention.Keep is null && policy.PointsKept < PolicyRules.MostPoints && policy.PointPeriod > TimeSpan.Zero
            ? policy.Retention with { Keep = [new RetentionTier(policy.PointPeriod * policy.PointsKept, policy.PointPeriod)] }
            : policy.Retention;
        return
        [
            .. settings.Copies.Select(copy =>
            {
                var peer = copy.Appliance == owner && copyIsThere ? settings.Copies.FirstOrDefault(c => c.Appliance != owner)?.Replication : null;
                return new PolicyPush
                {
                    Appliance = copy.Appliance,
                    PointsEvery = settings.IsApplication ? TimeSpan.Zero : policy.PointPeriod,
                    Retention = retention,
                    Bandwidth = policy.Bandwidth,
                    Peer = peer,
                    Mode = peer is null ? null : settings.CopyMode,
                };
            }),
        ];
    }
}
