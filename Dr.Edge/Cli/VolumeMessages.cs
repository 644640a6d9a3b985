using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Scrubbing;
using Dr.Edge.Volumes.Space;

namespace Dr.Edge.Cli;

/// <summary>A volume or clone as the commands show it.</summary>
internal sealed record VolumeSummary
{
    public required string Name { get; init; }

    public required VolumeId Id { get; init; }

    public required long SizeBytes { get; init; }

    public required VolumeRole Role { get; init; }

    public required Epoch Epoch { get; init; }

    public Generation? Generation { get; init; }

    public required SequenceNumber Appended { get; init; }

    public required SequenceNumber Durable { get; init; }

    public required bool Writable { get; init; }

    /// <summary>Why it is not writable.</summary>
    public string? Refuses { get; init; }

    public string? Fault { get; init; }

    public DateTimeOffset? CurrentAsOf { get; init; }

    /// <summary>On a replica: it ends with a write that is not its owner's.</summary>
    public bool Differs { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Every moment from here on can be opened.</summary>
    public required DateTimeOffset HistoryBegins { get; init; }

    public required int PointCount { get; init; }

    public PointInfo? NewestPoint { get; init; }

    /// <summary>How fresh the points are: the newest one's time, or now when nothing was written since it.</summary>
    public DateTimeOffset? HistoryAsOf { get; init; }

    public PolicyTexts? Policy { get; init; }

    /// <summary>Who keeps history from giving way.</summary>
    public IReadOnlyList<HolderSummary> Holders { get; init; } = [];

    /// <summary>What a restore is doing; null when none is under way.</summary>
    public string? Restoring { get; init; }

    /// <summary>How the last restore since the start of dr-edge ended; null when there was none.</summary>
    public RestoreOutcome? LastRestore { get; init; }

    public required long AllocatedBytes { get; init; }

    /// <summary>Content that is not known to be zeros.</summary>
    public required long MappedBytes { get; init; }

    /// <summary>Set on clones.</summary>
    public string? CloneOf { get; init; }

    public DateTimeOffset? CloneAt { get; init; }

    public PointId? ClonePoint { get; init; }

    /// <summary>Only where one volume is shown.</summary>
    public VolumeSpaceReport? Space { get; init; }

    /// <summary>Only where one volume is shown.</summary>
    public ScrubStatus? Scrub { get; init; }
}

internal sealed record CreateVolumeRequest(string Name, long SizeBytes, PolicyTexts? Policy = null);

internal sealed record ResizeVolumeRequest(long SizeBytes);

/// <param name="Claim">Whoever asks has quiesced what writes the volume by itself, and says what the point is.</param>
internal sealed record CreatePointRequest(string? Label, ClaimedConsistency? Claim = null);

internal sealed record ClaimedConsistency(bool IsApplication, string Reason);

internal sealed record CreateCloneRequest(string Volume, string At, string Name);

internal sealed record VerifyRequest(string? At);

/// <summary>A range that is not what was written.</summary>
/// <param name="Where">A file of the store, or the volume.</param>
internal sealed record BadRange(string Where, long Offset, long Length, string Problem);

internal sealed record VerifyResult(string Volume, long CheckedBytes, IReadOnlyList<BadRange> Bad)
{
    public bool Ok => Bad.Count == 0;
}

internal sealed record ImportRequest(string File);

internal sealed record ExportRequest(string? At, string File);

internal sealed record TransferResult(string Volume, string File, long SizeBytes, long DataBytes)
{
    /// <summary>Where an interrupted transfer went on; 0 when it began anew.</summary>
    public long ResumedAtBytes { get; init; }

    /// <summary>What the operator must look after.</summary>
    public string? Warning { get; init; }
}

internal sealed record Deleted(string Name);
