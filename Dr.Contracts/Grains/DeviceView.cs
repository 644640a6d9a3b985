namespace Dr.Contracts.Grains;

public enum Presence
{
    /// <summary>Never heard since the control plane started.</summary>
    Unknown,
    Alive,

    /// <summary>Its promise ran out.</summary>
    Suspect,

    /// <summary>Suspect and probed without an answer, or its will came.</summary>
    Silent,
}

/// <summary>A device as people see it.</summary>
[GenerateSerializer, Immutable, Alias("dr.DeviceView")]
public sealed record DeviceView
{
    [Id(0)] public required DeviceId Id { get; init; }

    [Id(1)] public SiteId? Site { get; init; }

    [Id(2)] public IReadOnlyList<string> Roles { get; init; } = [];

    [Id(3)] public required Presence Presence { get; init; }

    [Id(4)] public DateTimeOffset? Since { get; init; }

    [Id(5)] public DateTimeOffset? LastHeard { get; init; }

    /// <summary>When it will be suspected if nothing comes.</summary>
    [Id(6)] public DateTimeOffset? Deadline { get; init; }

    /// <summary>−log10 of the chance that calling it dead now is a false alarm.</summary>
    [Id(7)] public double? Phi { get; init; }

    [Id(8)] public HourClass HourClass { get; init; }

    [Id(9)] public int? PeriodMs { get; init; }

    [Id(10)] public string? Software { get; init; }

    [Id(11)] public long DeviceEpoch { get; init; }

    [Id(12)] public IReadOnlyList<CommandView> OpenCommands { get; init; } = [];

    [Id(13)] public IReadOnlyList<VolumeStatus> Volumes { get; init; } = [];

    [Id(14)] public IReadOnlyList<SystemHealth> Systems { get; init; } = [];

    [Id(15)] public IReadOnlyList<ReachReport> Reach { get; init; } = [];

    /// <summary>How far its clock is ahead of the control plane's by what its last beat says; negative = behind. The way of the beat (milliseconds) is in it.</summary>
    [Id(20)] public double? ClockSkewSeconds { get; init; }

    /// <summary>The detector's class that it is watched by.</summary>
    [Id(30)] public string? Class { get; init; }

    /// <summary>Share of its beats that are lost, as measured.</summary>
    [Id(31)] public double? LossRate { get; init; }

    /// <summary>How much the delays of its beats differ, milliseconds.</summary>
    [Id(32)] public double? LatenessMs { get; init; }

    /// <summary>Days between false suspicions that its line lets one expect; null = more than a thousand years.</summary>
    [Id(33)] public double? DaysBetweenMistakes { get; init; }
}

[GenerateSerializer, Immutable, Alias("dr.CommandView")]
public sealed record CommandView
{
    [Id(0)] public required CommandId Id { get; init; }

    [Id(1)] public required string Kind { get; init; }

    [Id(2)] public required DateTimeOffset IssuedAt { get; init; }

    [Id(3)] public required DateTimeOffset Deadline { get; init; }

    [Id(4)] public int Sent { get; init; }

    [Id(5)] public string? Progress { get; init; }
}
