namespace Dr.Contracts.Grains;

/// <summary>A business system as people see it. Phase (who serves), step (what is running) and conditions are separate; none is inferred from another.</summary>
[GenerateSerializer, Immutable, Alias("dr.SystemView")]
public sealed record SystemView
{
    [Id(0)] public required SystemId Id { get; init; }

    [Id(1)] public required string Name { get; init; }

    [Id(2)] public required TakeoverClass Class { get; init; }

    /// <summary>A state of the failover machine, for example <c>Protected</c>.</summary>
    [Id(3)] public required string Phase { get; init; }

    [Id(4)] public required DateTimeOffset PhaseSince { get; init; }

    /// <summary>What runs right now, in words; null when nothing does.</summary>
    [Id(5)] public string? Step { get; init; }

    [Id(6)] public required IReadOnlyList<Condition> Conditions { get; init; }

    /// <summary>As the ledger has it.</summary>
    [Id(7)] public required Epoch Epoch { get; init; }

    /// <summary>The site that owns it, as the ledger has it.</summary>
    [Id(8)] public required SiteId Site { get; init; }

    [Id(9)] public required SiteId Home { get; init; }

    [Id(10)] public required SiteId Peer { get; init; }

    /// <summary>Seconds that the copy at the other site is behind; null when not known.</summary>
    [Id(11)] public double? DataAgeSeconds { get; init; }

    [Id(12)] public int Points { get; init; }

    [Id(13)] public PointInfo? NewestPoint { get; init; }

    [Id(14)] public RunView? LiveRun { get; init; }

    /// <summary>What a failover now would lose; null when not known.</summary>
    [Id(15)] public double? PredictedLossSeconds { get; init; }

    /// <summary>How long a takeover would take, from the last ones; null before the first.</summary>
    [Id(16)] public double? ForecastSeconds { get; init; }

    [Id(17)] public string? Volume { get; init; }

    /// <summary>Why the last decision was taken, with the evidence.</summary>
    [Id(18)] public string? Reason { get; init; }

    [Id(19)] public IReadOnlyList<ComponentHealth> Components { get; init; } = [];

    /// <summary>Deadline of the present phase, if it has one (approval, lease clock, trial).</summary>
    [Id(20)] public DateTimeOffset? Until { get; init; }

    [Id(21)] public double? LossLimitSeconds { get; init; }
}

/// <summary>One fact about a system, with its reason and since when.</summary>
[GenerateSerializer, Immutable, Alias("dr.Condition")]
public sealed record Condition
{
    /// <summary><c>Serving</c>, <c>DataProtected</c>, <c>PeerReady</c>, <c>Fenced</c>.</summary>
    [Id(0)] public required string Kind { get; init; }

    /// <summary>Null = not known.</summary>
    [Id(1), JsonIgnore(Condition = JsonIgnoreCondition.Never)] public required bool? Holds { get; init; }

    [Id(2)] public required string Reason { get; init; }

    [Id(3)] public required DateTimeOffset Since { get; init; }
}
