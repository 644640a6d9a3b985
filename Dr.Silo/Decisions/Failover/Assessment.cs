namespace Dr.Silo.Decisions.Failover;

/// <summary>Before anything is promoted: what a takeover would lose and whether the other site can carry the system.</summary>
[GenerateSerializer, Immutable, Alias("dr.Assessment")]
public sealed record Assessment
{
    [Id(0)] public required PredictedLoss Loss { get; init; }

    [Id(1)] public required bool PeerReady { get; init; }

    /// <summary>Why not, for people.</summary>
    [Id(2)] public string? NotReady { get; init; }

    /// <summary>The system's instance at the other site runs and passes its checks: a repointed system need not be started.</summary>
    [Id(4)] public bool InstanceRuns { get; init; }

    [Id(3)] public required DateTimeOffset At { get; init; }
}
