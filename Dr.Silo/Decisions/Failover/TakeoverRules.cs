using Dr.Contracts.Grains;

namespace Dr.Silo.Decisions.Failover;

/// <summary>What the policy says about one system's takeover.</summary>
[GenerateSerializer, Immutable, Alias("dr.TakeoverRules")]
public sealed record TakeoverRules
{
    [Id(0)] public required SiteId Home { get; init; }

    [Id(1)] public required SiteId Peer { get; init; }

    [Id(2)] public TakeoverClass Class { get; init; } = TakeoverClass.T;

    [Id(3)] public ApprovalMode Approval { get; init; } = ApprovalMode.Person;

    /// <summary>False for a system without data of its own: nothing to promote, and a proven stop is the fencing proof.</summary>
    [Id(4)] public bool HasVolume { get; init; } = true;

    /// <summary>A predicted loss above this needs a person. The paper's RPO.</summary>
    [Id(6)] public TimeSpan LossLimit { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Null = the volume writes without a lease, so time alone never proves that the old owner stopped.</summary>
    [Id(7)] public TimeSpan? LeaseTtl { get; init; } = LeaseClock.DefaultTtl;

    /// <summary>How long a taken-over system stays on trial before it commits by itself.</summary>
    [Id(8)] public TimeSpan Trial { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>At most one automatic failover per this period; resuming an unfinished one is never blocked.</summary>
    [Id(9)] public TimeSpan BlockPeriod { get; init; } = TimeSpan.FromMinutes(60);

    /// <summary>Attempts per step before a person is asked.</summary>
    [Id(10)] public int MaxAttempts { get; init; } = 3;

    /// <summary>
    /// The site has a standby host of its own: one dead host is repaired inside the site and the other site stays out of it. Set by the replay of the fault log only: a repair starts a system where it runs
    /// (<see cref="SystemSite"/> has one host), and starting it on another host under the same epoch needs a proof first that the dead one's clients of the volume are cut off. Set without that, a lost host would
    /// only be taken over later. What is missing: <c>Decisions/Repair/standby-host.md</c>.
    /// </summary>
    [Id(11)] public bool LocalStandby { get; init; }

    /// <summary>The other site's host can confirm that the old owner is off (power, switch port).</summary>
    [Id(12)] public bool FenceDevice { get; init; }

    /// <summary>The site that is not <paramref name="site"/>.</summary>
    public SiteId Other(SiteId site) => site == Home ? Peer : Home;

    /// <summary>The rules of a system as it is configured.</summary>
    public static TakeoverRules Of(SystemSettings settings) => new()
    {
        Home = settings.Home,
        Peer = settings.Opposite(settings.Home).Site,
        Class = settings.Class,
        Approval = settings.Approval,
        HasVolume = settings.Volume is not null,
        LossLimit = settings.LossLimit,
        LeaseTtl = settings is { Lease: true, Volume: not null } ? settings.LeaseTtl : null,
        Trial = settings.Trial,
        FenceDevice = settings is { FenceDevice: true, Volume: not null },
    };
}
