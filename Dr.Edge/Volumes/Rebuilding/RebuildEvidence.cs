using Dr.Edge.Volumes.Format;

namespace Dr.Edge.Volumes.Rebuilding;

/// <summary>What was found in a layer's file by reading all of it. Positions are sequence numbers, offsets bytes of the file.</summary>
internal sealed record FoundLayer
{
    public required long Number { get; init; }

    public required string Path { get; init; }

    /// <summary>The file begins with the header of this layer of this volume.</summary>
    public bool HasHeader { get; init; }

    /// <summary>Made of batches without a generation: a delta that was received.</summary>
    public bool IsDelta { get; init; }

    /// <summary>What the header of a compacted layer says it stands for: the writes after the first position up to the last. Null in others.</summary>
    public (long After, long Last)? Compacted { get; init; }

    /// <summary>A compacted layer with all that it was made with: its index, which was written last, follows its batches.</summary>
    public bool IsWholeCompacted => Compacted is { } span && HasHeader && IndexedLast == span.Last;

    /// <summary>0 when there is no batch.</summary>
    public long First { get; init; }

    public long Last { get; init; }

    /// <summary>What the index behind the batches says the last position is; 0 when there is no index.</summary>
    public long IndexedLast { get; init; }

    /// <summary>End of the last right batch.</summary>
    public long End { get; init; }

    public DateTimeOffset FirstAt { get; init; }

    public DateTimeOffset LastAt { get; init; }

    /// <summary>Checksum that the first batch gives for the one before it; 0 = it does not say.</summary>
    public uint FirstPrevious { get; init; }

    public uint LastChecksum { get; init; }

    /// <summary>The highest position that a batch here says was durable.</summary>
    public long Durable { get; init; }

    public long HighestBlock { get; init; }

    public IReadOnlyList<GenerationSpan> Generations { get; init; } = [];

    /// <summary>Damage in words, with its place.</summary>
    public IReadOnlyList<string> Damage { get; init; } = [];

    /// <summary>Bytes behind the last right batch that are no index.</summary>
    public long Unreadable { get; init; }
}

/// <summary>Everything that a volume's directory still says about it.</summary>
internal sealed record RebuildEvidence
{
    public required VolumeId Id { get; init; }

    /// <summary>The newest copy that is right by itself; null when none is.</summary>
    public Superblock? Superblock { get; init; }

    /// <summary>How many copies are like <see cref="Superblock"/>.</summary>
    public int SuperblockCopies { get; init; }

    public FlushMark Mark { get; init; }

    /// <summary>Manifest records that are right, from the manifest and from behind the indexes of layers, with their number and where each was.</summary>
    public IReadOnlyList<(long Number, ManifestState State, string Where)> Records { get; init; } = [];

    /// <summary>Null when the manifest can be opened as it is; otherwise why not.</summary>
    public string? ManifestDamage { get; init; }

    /// <summary>Ascending by number.</summary>
    public IReadOnlyList<FoundLayer> Layers { get; init; } = [];

    /// <summary>Right entries of base.crc, and their sum; null when the file is not there.</summary>
    public (long Blocks, ulong Sum)? Base { get; init; }

    public IReadOnlyList<string> BaseDamage { get; init; } = [];

    public long BaseBytes { get; init; }
}

/// <summary>What a rebuild would write, and what to know before.</summary>
internal sealed record RebuildPlan
{
    public required ManifestState State { get; init; }

    public required Superblock Superblock { get; init; }

    public required long RecordNumber { get; init; }

    /// <summary>What was read, and what follows from it.</summary>
    public required IReadOnlyList<string> Findings { get; init; }

    /// <summary>What nothing on the disk says any more.</summary>
    public required IReadOnlyList<string> Unknown { get; init; }

    /// <summary>Files that do not become part of the volume; they are kept aside.</summary>
    public required IReadOnlyList<string> Unused { get; init; }
}
