namespace Dr.Edge.Cli;

internal sealed record RebuildRequest(string? Name, bool NotAClone, bool Apply);

/// <summary>What a rebuild found, and did when it was asked to.</summary>
internal sealed record RebuildResult
{
    public required string Directory { get; init; }

    /// <summary>The volume's name once it is rebuilt.</summary>
    public required string Name { get; init; }

    public required long SizeBytes { get; init; }

    public required int PointCount { get; init; }

    /// <summary>What is there and what follows from it.</summary>
    public required IReadOnlyList<string> Findings { get; init; }

    /// <summary>What nothing on the disk says any more.</summary>
    public required IReadOnlyList<string> Unknown { get; init; }

    /// <summary>Layer files that do not become part of the volume.</summary>
    public required IReadOnlyList<string> Unused { get; init; }

    /// <summary>Folder with what was there before; null when nothing was changed.</summary>
    public string? KeptAside { get; init; }

    /// <summary>What the check of the rebuilt volume found.</summary>
    public required IReadOnlyList<BadRange> Bad { get; init; }
}
