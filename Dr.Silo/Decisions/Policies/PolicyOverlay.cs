using Dr.Contracts.Grains;
using Dr.Contracts.Policy;

namespace Dr.Silo.Decisions.Policies;

/// <summary>What the configuration says of a system and what its policy says together: where both speak, the policy goes before. Pure.</summary>
public static class PolicyOverlay
{
    public static SystemSettings Of(SystemSettings configured, PolicyBook book)
    {
        ArgumentNullException.ThrowIfNull(configured);
        ArgumentNullException.ThrowIfNull(book);
        return book.PolicyOf(configured.Id) is not { } policy
            ? configured with { PolicyVersion = book.Version }
            : configured with
            {
                Policy = policy.Name,
                PolicyVersion = book.Version,
                Targets = policy.Targets,
                Class = policy.Takeover ?? configured.Class,
                Approval = policy.Approval ?? configured.Approval,
                CopyMode = policy.CopyMode ?? configured.CopyMode,
                LossLimit = policy.LossLimit ?? policy.Targets.Rpo,
                PointPeriod = policy.PointPeriod,
            };
    }

    /// <summary>What the volume's grain works by; <paramref name="volume"/> is the system's own volume or the one with its programs and configuration.</summary>
    public static VolumeSettings Of(SystemSettings effective, string volume, PolicyBook book)
    {
        ArgumentNullException.ThrowIfNull(effective);
        ArgumentNullException.ThrowIfNull(book);
        var policy = book.PolicyOf(effective.Id);
        var isApplication = volume != effective.Volume;
        var splits = effective.ApplicationVolume is not null && effective.ApplicationVolume != effective.Volume;
        return new VolumeSettings
        {
            System = effective.Id,
            PointPeriod = isApplication ? TimeSpan.Zero : effective.PointPeriod,
            PolicyVersion = book.Version,
            Policy = policy is null
                ? null
                : isApplication
                    ? policy with { Periods = new PolicyPeriods { Application = policy.Periods.Application } }
                    : policy with { Periods = splits ? policy.Periods with { Application = null } : policy.Periods },
            Calendar = policy is null ? null : book.CalendarOf(policy.Calendar),
            CopyMode = effective.CopyMode,
            Copies = [.. new[] { effective.HomeSite, effective.PeerSite }.Where(s => s.Appliance is not null).Select(s => new VolumeCopy(s.Appliance!.Value, s.Replication))],
            IsApplication = isApplication,
            ApplicationVolume = splits && !isApplication ? effective.ApplicationVolume : null,
        };
    }
}
