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

    /// <summary>Why an automatic takeover has to wait although everything else is there: its wave in the site's takeover, or the site's block period. A person's order does not wait.</summary>
    [Id(5)] public string? NotYet { get; init; }

    [Id(3)] public required DateTimeOffset At { get; init; }

    /// <summary>Since when what the devices of both sites report can be heard without interruption by whoever looked. Null: longer than anything that a decision waits for.</summary>
    [Id(6)] public DateTimeOffset? HearsSince { get; init; }

    /// <summary>Neither the owner's host nor its appliance is silent, and the host has reported how the system is since it was heard again: its beats keep a finding that rests on its own word true.</summary>
    [Id(7)] public bool OwnerHeard { get; init; }
}
