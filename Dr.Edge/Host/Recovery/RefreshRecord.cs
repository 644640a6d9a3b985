namespace Dr.Edge.Host.Recovery;

/// <summary>What came of one look at a point.</summary>
internal sealed record RefreshRecord
{
    /// <summary>The point's id, or the time that was asked for.</summary>
    public required string At { get; init; }

    public required string Volume { get; init; }

    public required string CloneName { get; init; }

    public required DateTimeOffset StartedAt { get; init; }

    public DateTimeOffset? FinishedAt { get; init; }

    /// <summary>True when the file system and every database went through their own recovery and checks; null while that is under way.</summary>
    public bool? IsSound { get; init; }

    /// <summary>Each step, with what it said.</summary>
    public IReadOnlyList<StepReport> Steps { get; init; } = [];

    /// <summary>Why it is not sound.</summary>
    public string? Reason { get; init; }

    /// <summary>The clone was kept: recovered, checked and stopped in order, it is the refreshed point, and starts without any recovery.</summary>
    public bool IsKept { get; init; }
}
