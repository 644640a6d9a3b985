namespace Dr.Edge.Volumes;

/// <summary>What a volume keeps, and what gives way when its disk is full. Part of the manifest; what is null follows the appliance's configuration.</summary>
internal sealed record VolumePolicy
{
    /// <summary>Time between automatic points; <see cref="TimeSpan.Zero"/> = none.</summary>
    public TimeSpan? PointsEvery { get; init; }

    /// <summary>How automatic points are thinned, youngest tier first; the last tier's end is how long they are kept.</summary>
    public IReadOnlyList<RetentionTier>? Keep { get; init; }

    /// <summary>How long points that somebody asked for are kept; <see cref="TimeSpan.Zero"/> = until they are deleted.</summary>
    public TimeSpan? KeepManual { get; init; }

    /// <summary>How long any moment can be opened, whatever points are kept; at least 5 minutes.</summary>
    public TimeSpan? FineWindow { get; init; }

    public FullPolicy? WhenFull { get; init; }
}

/// <summary>What a volume does when its disk has no space left. Either is announced long before.</summary>
internal enum FullPolicy
{
    /// <summary>Writes are answered ENOSPC; history stays.</summary>
    RefuseWrites,

    /// <summary>Oldest points go first, then no new ones are taken; writes go on as long as there is space.</summary>
    HistoryGivesWay,
}
