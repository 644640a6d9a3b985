namespace Dr.Edge.Cli;

/// <summary>A volume's policy as people write it; in a request null leaves a part as it is and <c>default</c> gives it back to the appliance's configuration.</summary>
internal sealed record PolicyTexts
{
    public string? PointsEvery { get; init; }

    public string? Keep { get; init; }

    public string? KeepManual { get; init; }

    public string? FineWindow { get; init; }

    public string? WhenFull { get; init; }

    /// <summary>Parts that are the volume's own; the others follow the appliance's configuration. Only in answers.</summary>
    public IReadOnlyList<string>? Own { get; init; }

    /// <summary>What the owner should know about this policy. Only in answers.</summary>
    public string? Advice { get; init; }
}

/// <summary>Who keeps history from giving way.</summary>
internal sealed record HolderSummary(SequenceNumber Sequence, PointId? Point, string Reason, DateTimeOffset Since, bool ByHand);

/// <summary>A point as the commands show it: what it says itself, and who needs it.</summary>
internal sealed record PointSummary
{
    public required PointId Id { get; init; }

    public required DateTimeOffset At { get; init; }

    public required SequenceNumber Sequence { get; init; }

    public string? Label { get; init; }

    public PointConsistency Consistency { get; init; }

    public string? Reason { get; init; }

    /// <summary>Taken by the appliance itself: retention may let it go.</summary>
    public bool Automatic { get; init; }

    /// <summary>Who holds it, each with since when; empty when nobody does.</summary>
    public IReadOnlyList<string> HeldBy { get; init; } = [];

    public GroupSummary? Group { get; init; }
}

/// <param name="Volumes">How many volumes the group was taken of.</param>
/// <param name="Present">How many of them have their point here.</param>
internal sealed record GroupSummary(string Id, int Volumes, int Present)
{
    /// <summary>Only a whole group shows one instant of all its volumes.</summary>
    public bool Whole => Present >= Volumes;
}

internal sealed record CreateGroupRequest(IReadOnlyList<string> Volumes, string? Label);

internal sealed record GroupPointResult(string Volume, PointInfo Point);

internal sealed record CreateGroupResult(string Group, IReadOnlyList<GroupPointResult> Points);

internal sealed record HoldPointRequest(string? Reason);

/// <param name="At">Point or time to go back to; null with <paramref name="Undo"/>.</param>
/// <param name="Undo">Back to what was there before the last restore.</param>
/// <param name="IfDetached">Refuse when a client has the volume attached.</param>
internal sealed record RestoreRequest(string? At, bool Undo = false, bool IfDetached = false);

/// <param name="Before">The way back.</param>
/// <param name="Warning">What the operator must look after.</param>
internal sealed record RestoreResult(string Volume, DateTimeOffset RestoredTo, PointInfo Before, string? Warning);
