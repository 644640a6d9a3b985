using Dr.Contracts.Grains;
using Dr.Contracts.Mqtt;

namespace Dr.Contracts.Policy;

/// <summary>How soon a stop of the system hurts.</summary>
public enum BusinessKind
{
    /// <summary>Readers and staff wait for it.</summary>
    RealTime,

    /// <summary>Can wait: the material is elsewhere or changes seldom.</summary>
    Archive,
}

/// <summary>Periods of one policy; null = not done.</summary>
[GenerateSerializer, Immutable, Alias("dr.PolicyPeriods")]
public sealed record PolicyPeriods
{
    /// <summary>A complete, verified image.</summary>
    [Id(0)] public TimeSpan? Full { get; init; }

    /// <summary>Changes since the last point.</summary>
    [Id(1)] public TimeSpan? Incremental { get; init; }

    /// <summary>Changes since the last full.</summary>
    [Id(2)] public TimeSpan? Differential { get; init; }

    /// <summary>The volumes that hold programs and configuration.</summary>
    [Id(3)] public TimeSpan? Application { get; init; }
}

/// <summary>A share of a line: systems of one class and network share it when <see cref="Shared"/>.</summary>
[GenerateSerializer, Immutable, Alias("dr.BandwidthClass")]
public sealed record BandwidthClass([property: Id(0)] string Network, [property: Id(1)] double Mbps, [property: Id(2)] bool Shared)
{
    public string Name => string.Create(CultureInfo.InvariantCulture, $"{Network}-{Mbps:0.##}{(Shared ? "-shared" : "")}");
}

/// <summary>What is promised for the systems of one policy.</summary>
[GenerateSerializer, Immutable, Alias("dr.PolicyTargets")]
public sealed record PolicyTargets
{
    [Id(0)] public TimeSpan Rpo { get; init; } = TimeSpan.FromMinutes(5);

    [Id(1)] public TimeSpan Rto { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>Share of opening days with a fault, below this many per cent.</summary>
    [Id(2)] public double FaultRateBelowPercent { get; init; } = 1;
}

/// <summary>One row of the policy table: how a group of systems is protected, and what is promised for it.</summary>
[GenerateSerializer, Immutable, Alias("dr.BackupPolicy")]
public sealed record BackupPolicy
{
    [Id(0)] public required string Name { get; init; }

    [Id(1)] public required IReadOnlyList<SystemId> Systems { get; init; }

    [Id(2)] public required BusinessKind Kind { get; init; }

    [Id(3)] public required PolicyPeriods Periods { get; init; }

    [Id(4)] public required BandwidthClass Bandwidth { get; init; }

    [Id(5)] public required PolicyTargets Targets { get; init; }

    /// <summary>As printed: number and type.</summary>
    [Id(6)] public string Servers { get; init; } = string.Empty;

    [Id(7)] public double DiskTerabytes { get; init; }

    [Id(8)] public double TapeTerabytes { get; init; }

    /// <summary>Stream (or sync) between the scheduled points, or deltas from point to point only; null = as the configuration has it for each system.</summary>
    [Id(9)] public CopyMode? CopyMode { get; init; }

    /// <summary>Volume's change a day, for the transfer's share of the RPO.</summary>
    [Id(10)] public double ChangeGigabytesPerDay { get; init; }

    /// <summary>Points kept per volume.</summary>
    [Id(11)] public int PointsKept { get; init; } = 255;

    /// <summary>Points are taken this often, whatever is sent.</summary>
    [Id(12)] public TimeSpan PointPeriod { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Null = as the configuration has it for each system.</summary>
    [Id(13)] public TakeoverClass? Takeover { get; init; }

    /// <summary>Null = as the configuration has it for each system.</summary>
    [Id(14)] public ApprovalMode? Approval { get; init; }

    [Id(15)] public RetentionRules Retention { get; init; } = new();

    /// <summary>What points may claim: one of <see cref="QuiesceMode"/>'s names.</summary>
    [Id(16)] public string Quiesce { get; init; } = QuiesceMode.Host;

    [Id(17)] public DrillSchedule Drills { get; init; } = new();

    /// <summary>Name of the calendar by whose clock and hours it goes.</summary>
    [Id(18)] public string Calendar { get; init; } = "default";

    /// <summary>Predicted loss above which a takeover needs a person; null = the RPO.</summary>
    [Id(19)] public TimeSpan? LossLimit { get; init; }
}

/// <summary>Values of <see cref="BackupPolicy.Quiesce"/>.</summary>
public static class QuiesceMode
{
    /// <summary>Points are crash-consistent; nobody is asked to be quiet.</summary>
    public const string None = "none";

    /// <summary>The host's provider is asked, whichever it is; without one, points are crash-consistent and say so.</summary>
    public const string Host = "host";

    /// <summary>The providers that a host can have: only a point that this one made consistent counts, everything else is a problem that is shown.</summary>
    public static readonly IReadOnlyList<string> Providers = ["postgresql", "fsfreeze", "command"];

    /// <summary>Whether a point is what <paramref name="mode"/> asks for; <paramref name="reason"/> is the point's, which begins with what made it consistent.</summary>
    public static bool IsMet(string mode, string? consistency, string? reason) =>
        !IsDemanded(mode) || (consistency == nameof(PointConsistency.Application) && reason?.Contains(mode, StringComparison.Ordinal) == true);

    public static bool IsKnown(string mode) => mode is None or Host || Providers.Contains(mode, StringComparer.Ordinal);

    /// <summary>A crash-consistent point is not what was asked for.</summary>
    public static bool IsDemanded(string mode) => Providers.Contains(mode, StringComparer.Ordinal);
}
