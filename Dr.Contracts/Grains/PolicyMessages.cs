using Dr.Contracts.Policy;

namespace Dr.Contracts.Grains;

/// <summary>What somebody wants to be different. All of it is taken over, or nothing.</summary>
[GenerateSerializer, Immutable, Alias("dr.PolicyChange")]
public sealed record PolicyChange
{
    [Id(0)] public required string Actor { get; init; }

    /// <summary>Why; goes into the audit.</summary>
    [Id(1)] public required string Reason { get; init; }

    /// <summary>The version that was looked at; a change made since makes this one refused. Null = whichever is there.</summary>
    [Id(2)] public long? Seen { get; init; }

    /// <summary>Added, or put in the place of those of the same name.</summary>
    [Id(3)] public IReadOnlyList<BackupPolicy> Policies { get; init; } = [];

    [Id(4)] public IReadOnlyList<OpeningCalendar> Calendars { get; init; } = [];

    /// <summary>A policy table as text (<c>backup-policies.csv</c>); what it has no column for stays as the policy of that name has it.</summary>
    [Id(5)] public string? Table { get; init; }

    /// <summary>Name of the table's file, for messages.</summary>
    [Id(6)] public string? TableName { get; init; }

    [Id(7)] public IReadOnlyList<string> RemovePolicies { get; init; } = [];

    [Id(8)] public IReadOnlyList<string> RemoveCalendars { get; init; } = [];

    /// <summary>Policies that the table does not name are removed.</summary>
    [Id(9)] public bool Replace { get; init; }
}

/// <summary>One line of what would change.</summary>
[GenerateSerializer, Immutable, Alias("dr.PolicyDifference")]
public sealed record PolicyDifference([property: Id(0)] string Subject, [property: Id(1)] string Field, [property: Id(2)] string? Before, [property: Id(3)] string? After);

/// <summary>What a change would do, or why it cannot be.</summary>
[GenerateSerializer, Immutable, Alias("dr.PolicyPlan")]
public sealed record PolicyPlan
{
    /// <summary>The version it was made against.</summary>
    [Id(0)] public required long Seen { get; init; }

    [Id(1)] public IReadOnlyList<PolicyDifference> Differences { get; init; } = [];

    /// <summary>Why it is refused; empty = it can be taken over.</summary>
    [Id(2)] public IReadOnlyList<string> Reasons { get; init; } = [];

    /// <summary>What should be known and stops nothing.</summary>
    [Id(3)] public IReadOnlyList<string> Advice { get; init; } = [];

    /// <summary>The version that is in force now: higher than <see cref="Seen"/> when the change was taken over.</summary>
    [Id(4)] public long Version { get; init; }

    public bool IsAccepted => Reasons.Count == 0;
}

/// <summary>Whether what a policy asks for has reached where it acts.</summary>
[GenerateSerializer, Immutable, Alias("dr.PolicyReach")]
public sealed record PolicyReach
{
    [Id(0)] public required SystemId System { get; init; }

    [Id(1)] public string? Policy { get; init; }

    /// <summary>The version that the system's and the volume's grain work by.</summary>
    [Id(2)] public long Version { get; init; }

    /// <summary>What does not work as the policy asks, in words.</summary>
    [Id(3)] public IReadOnlyList<string> Problems { get; init; } = [];

    [Id(4)] public IReadOnlyList<BackupView> Backups { get; init; } = [];

    [Id(5)] public DateTimeOffset? NextSmallDrillAt { get; init; }

    [Id(6)] public DateTimeOffset? NextLargeDrillAt { get; init; }

    /// <summary>Opening days of the last year on which it was taken over without a plan, in per cent of the opening days since it has a policy; null without one.</summary>
    [Id(7)] public double? FaultRatePercent { get; init; }

    [Id(8)] public double? FaultRateBelowPercent { get; init; }
}

/// <summary>One kind of backup of one volume: the last good one and what is next.</summary>
[GenerateSerializer, Immutable, Alias("dr.BackupView")]
public sealed record BackupView
{
    [Id(0)] public required string Volume { get; init; }

    [Id(1)] public required BackupKind Kind { get; init; }

    [Id(2)] public TimeSpan? Every { get; init; }

    [Id(3)] public BackupRecord? Last { get; init; }

    [Id(4)] public DateTimeOffset? NextAt { get; init; }

    /// <summary>What is under way, in words.</summary>
    [Id(5)] public string? Step { get; init; }

    /// <summary>Why the newest attempt failed; null after a good one.</summary>
    [Id(6)] public string? Problem { get; init; }
}

/// <summary>A backup that was brought about.</summary>
[GenerateSerializer, Immutable, Alias("dr.BackupRecord")]
public sealed record BackupRecord
{
    [Id(0)] public required BackupKind Kind { get; init; }

    [Id(1)] public required PointId Point { get; init; }

    [Id(2)] public required SequenceNumber Sequence { get; init; }

    [Id(3)] public required DateTimeOffset At { get; init; }

    /// <summary>The point that it is the difference to; null for a full.</summary>
    [Id(4)] public PointId? Base { get; init; }

    /// <summary>Bytes that differ from <see cref="Base"/>.</summary>
    [Id(5)] public long? ChangedBytes { get; init; }

    [Id(6)] public string? Consistency { get; init; }

    /// <summary>Replication address of the other copy that has it on its disk; null when there is none.</summary>
    [Id(7)] public string? Peer { get; init; }

    /// <summary>SHA-256 of the whole content, for a full.</summary>
    [Id(8)] public string? Digest { get; init; }

    /// <summary>When every block was read against its checksum, and at both ends with the same digest where there are two.</summary>
    [Id(9)] public DateTimeOffset? VerifiedAt { get; init; }
}

/// <summary>The policies as people see them.</summary>
[GenerateSerializer, Immutable, Alias("dr.PolicyView")]
public sealed record PolicyView
{
    [Id(0)] public required PolicyBook Book { get; init; }

    [Id(1)] public IReadOnlyList<PolicyReach> Systems { get; init; } = [];

    /// <summary>Versions that are kept, newest first.</summary>
    [Id(2)] public IReadOnlyList<PolicyVersion> History { get; init; } = [];
}

/// <summary>One version of the book, without its content.</summary>
[GenerateSerializer, Immutable, Alias("dr.PolicyVersion")]
public sealed record PolicyVersion
{
    [Id(0)] public required long Version { get; init; }

    [Id(1)] public required DateTimeOffset ChangedAt { get; init; }

    [Id(2)] public required string ChangedBy { get; init; }

    [Id(3)] public required string Reason { get; init; }

    [Id(4)] public IReadOnlyList<PolicyDifference> Differences { get; init; } = [];
}
