using Dr.Simulator.Live.World;

namespace Dr.Simulator.Live.Judging;

/// <summary>What was found of one system when everything was over.</summary>
internal sealed record SystemEvidence
{
    public required LiveSystem System { get; init; }

    /// <summary>Commits that clients were answered.</summary>
    public required int Committed { get; init; }

    /// <summary>Those that are not there.</summary>
    public required IReadOnlyList<LossEpisode> Losses { get; init; }

    /// <summary>In the database, though nobody sent it.</summary>
    public int Unexplained { get; init; }

    /// <summary>Changes of the side that answered, as the writers saw them; empty for a system with a database.</summary>
    public IReadOnlyList<Handover> Handovers { get; init; } = [];

    /// <summary>How often the ownership record changed its site.</summary>
    public required int OwnershipMoves { get; init; }

    /// <summary>Protected at its home, and its clients served.</summary>
    public required bool IsRunning { get; init; }

    /// <summary>Why the two copies are not known to be equal; null = they are, byte by byte.</summary>
    public required string? Difference { get; init; }

    /// <summary>What the check of every checksum said at either site; null = all are right.</summary>
    public required string? Damage { get; init; }

    /// <summary>Longest time between two answered commits, in seconds.</summary>
    public required double LongestWait { get; init; }
}

/// <summary>Everything the judge goes by.</summary>
internal sealed record LiveEvidence
{
    public required IReadOnlyList<SystemEvidence> Systems { get; init; }

    /// <summary>Sentences of <see cref="OwnershipHistory.Faults"/>.</summary>
    public required IReadOnlyList<string> OwnershipFaults { get; init; }

    /// <summary>The first entry of the audit log that does not fit its chain; null = all do.</summary>
    public required long? AuditBrokenAt { get; init; }

    public required IReadOnlyList<CorruptionFinding> Corruptions { get; init; }

    /// <summary>The fault after which the world was not whole again in time, with what ailed it; null = it always was.</summary>
    public required string? NotHealed { get; init; }
}
