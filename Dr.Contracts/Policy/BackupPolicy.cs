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

    /// <summary>Stream (or sync) between the scheduled points; delta only otherwise.</summary>
    [Id(9)] public CopyMode CopyMode { get; init; } = CopyMode.Stream;

    /// <summary>Volume's change a day, for the transfer's share of the RPO.</summary>
    [Id(10)] public double ChangeGigabytesPerDay { get; init; }

    /// <summary>Points kept per volume.</summary>
    [Id(11)] public int PointsKept { get; init; } = 255;

    /// <summary>Points are taken this often, whatever is sent.</summary>
    [Id(12)] public TimeSpan PointPeriod { get; init; } = TimeSpan.FromMinutes(5);
}
