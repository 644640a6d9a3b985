namespace Dr.Contracts.Grains;

/// <summary>Takes a whole site over, or moves it.</summary>
[GenerateSerializer, Immutable, Alias("dr.StartSiteRun")]
public sealed record StartSiteRun
{
    /// <summary><see cref="RunKind.Failover"/> or <see cref="RunKind.Move"/>.</summary>
    [Id(0)] public required RunKind Kind { get; init; }

    [Id(1)] public required string Actor { get; init; }

    [Id(2)] public required string Reason { get; init; }

    /// <summary>Go although some systems do not fit; they stay behind.</summary>
    [Id(3)] public bool WithoutUnfitting { get; init; }

    /// <summary>Only say what would happen.</summary>
    [Id(4)] public bool PlanOnly { get; init; }
}

/// <summary>The run of a whole site as people see it, or its refusal.</summary>
[GenerateSerializer, Immutable, Alias("dr.SiteRunView")]
public sealed record SiteRunView
{
    /// <summary>Null = nothing was started.</summary>
    [Id(0)] public string? Id { get; init; }

    [Id(1)] public required SiteId From { get; init; }

    [Id(2)] public RunKind Kind { get; init; }

    [Id(3)] public string? Actor { get; init; }

    [Id(4)] public string? Reason { get; init; }

    [Id(5)] public bool Automatic { get; init; }

    [Id(6)] public DateTimeOffset? StartedAt { get; init; }

    [Id(7)] public DateTimeOffset? EndedAt { get; init; }

    [Id(8)] public string? Outcome { get; init; }

    /// <summary>From 1, of <see cref="Waves"/>.</summary>
    [Id(9)] public int Wave { get; init; }

    [Id(10)] public int Waves { get; init; }

    [Id(11)] public IReadOnlyList<SiteRunLine> Systems { get; init; } = [];

    /// <summary>Why nothing was started; empty when something was, or when only the plan was asked for.</summary>
    [Id(12)] public IReadOnlyList<string> Refused { get; init; } = [];
}

/// <summary>One system in it.</summary>
[GenerateSerializer, Immutable, Alias("dr.SiteRunLine")]
public sealed record SiteRunLine
{
    [Id(0)] public required SystemId System { get; init; }

    /// <summary>From 1; 0 = left out.</summary>
    [Id(1)] public required int Wave { get; init; }

    /// <summary>Waiting, UnderWay, Serving, Stuck or LeftOut.</summary>
    [Id(2)] public required string Progress { get; init; }

    [Id(3)] public string? Detail { get; init; }

    /// <summary>From its start to serving.</summary>
    [Id(4)] public double? Seconds { get; init; }
}
