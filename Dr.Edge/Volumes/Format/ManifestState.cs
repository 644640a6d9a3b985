using System.Text.Json.Serialization;

namespace Dr.Edge.Volumes.Format;

/// <summary>
/// Everything about a volume that is not its data. Each manifest record is one whole state, so that the last record that is right says everything and a new field needs no
/// new kind of record. Unknown fields are ignored, missing ones have their default.
/// </summary>
internal sealed record ManifestState
{
    public required VolumeId Volume { get; init; }

    public required string Name { get; init; }

    public required long SizeBytes { get; init; }

    /// <summary>What the size was before each time it grew, oldest first. Manifests of before it was written have none: the reader then sets null.</summary>
    public IReadOnlyList<FormerSize> FormerSizes { get; init => field = value ?? []; } = [];

    public VolumeRole Role { get; init; }

    /// <summary>Highest epoch seen.</summary>
    public Epoch Epoch { get; init; }

    /// <summary>
    /// Highest epoch that some owner is known to have had; null = <see cref="Epoch"/>. Lower after a demotion: the one it was for has no owner yet, and whoever took it for one would refuse the final point of the one before.
    /// </summary>
    public Epoch? OwnedEpoch { get; init; }

    /// <summary>
    /// Highest epoch that is known to be another's: a source that was primary at it was followed here, or this copy was demoted for it. Never promoted at. Missing = none is known; the epoch that a promotion cut short, a grant or
    /// a refused promotion left in <see cref="Epoch"/> is nobody's yet and may be ours.
    /// </summary>
    public Epoch? ForeignEpoch { get; init; }

    /// <summary>The epoch this copy was made primary at.</summary>
    public Epoch PrimaryEpoch { get; init; }

    public IReadOnlyList<GenerationSpan> Generations { get; init; } = [];

    /// <summary>Oldest first; the last is the open one (the head).</summary>
    public IReadOnlyList<LayerRecord> Layers { get; init; } = [];

    /// <summary>Oldest first.</summary>
    public IReadOnlyList<PointInfo> Points { get; init; } = [];

    /// <summary>The base holds the volume at this position.</summary>
    public long BaseSequence { get; init; }

    /// <summary>Time of the last write that is in the base; the history that can be opened by time begins here.</summary>
    public DateTimeOffset BaseAt { get; init; }

    /// <summary>The layer that is being moved into the base; its blocks may be in the base already or only in part.</summary>
    public long? Merging { get; init; }

    /// <summary>
    /// Where in the file of <see cref="Merging"/> what is not in the base yet begins; null = at its first batch. Of what lies before, the base has all that the layer's end shows, and the file may have a hole.
    /// </summary>
    public long? MergedTo { get; init; }

    /// <summary>How many blocks base.crc names and the sum of their entries, as of the last finished merge.</summary>
    public long BaseBlocks { get; init; }

    public ulong BaseSum { get; init; }

    /// <summary>Number of the next layer file; numbers are never used twice.</summary>
    public long NextLayer { get; init; } = 1;

    /// <summary>Set when the volume was closed in order: the end of the head, durable. Null while it is open, and after a crash.</summary>
    public long? CleanSequence { get; init; }

    /// <summary>A restore that has begun and not ended: opening the volume finishes it.</summary>
    public RestoreMark? Restoring { get; init; }

    /// <summary>A delta on its way in.</summary>
    public StagingMark? Staging { get; init; }

    /// <summary>A clone's own base; other volumes have theirs from the start.</summary>
    public OwnBase OwnBase { get; init; }

    /// <summary>The point that the last demotion took.</summary>
    public PointId? FinalPoint { get; init; }

    /// <summary>What this volume keeps and what gives way; null = the appliance's configured defaults.</summary>
    public VolumePolicy? Policy { get; init; }

    /// <summary>Points that people hold: they do not expire and cannot be deleted until they are released.</summary>
    public IReadOnlyList<PointHold> PointHolds { get; init => field = value ?? []; } = [];

    /// <summary>Null in manifests of before it was written; the superblock has it too.</summary>
    public ManifestIdentity? Identity { get; init; }
}

/// <summary>What the superblock says of where a volume came from, once more: a volume whose superblock is lost must not be taken for what it was not.</summary>
/// <param name="Origin">Null when the volume is no clone.</param>
internal sealed record ManifestIdentity(DateTimeOffset CreatedAt, CloneOrigin? Origin);

/// <param name="Reason">Why, in the words of whoever holds it.</param>
internal sealed record PointHold(PointId Point, string? Reason, DateTimeOffset Since);

/// <summary>Whether a clone still stands on the volume it was made of.</summary>
internal enum OwnBase
{
    /// <summary>It does; its own base is empty.</summary>
    None,

    /// <summary>It does; its own base is being filled and is emptied at the next start.</summary>
    Filling,

    /// <summary>It does not: its own base has what it inherited.</summary>
    Whole,
}

internal enum LayerKind
{
    /// <summary>Batches with their own sequence numbers: any position inside can be opened.</summary>
    Log,

    /// <summary>Received as a delta: the whole layer is one position, its last.</summary>
    Delta,

    /// <summary>Sealed layers whose inner positions nobody needs any more, as one: only the last versions, one position, its last.</summary>
    Compacted,
}

internal sealed record LayerRecord
{
    public required long Number { get; init; }

    /// <summary>The position the layer begins after.</summary>
    public required long After { get; init; }

    public LayerKind Kind { get; init; }

    /// <summary>False only for the head.</summary>
    public bool Sealed { get; init; }

    /// <summary>Last sequence number, once sealed.</summary>
    public long Last { get; init; }

    /// <summary>End of the last batch in the file, once sealed; the index follows.</summary>
    public long LengthBytes { get; init; }

    /// <summary>Checksum of the batch before the first; null when that batch is not here (the layer before was received as a delta).</summary>
    public uint? ChainStart { get; init; }

    /// <summary>Bytes behind <see cref="LengthBytes"/> belong to a tail that was taken off and may still be read by views: no index is written over them.</summary>
    public bool HasCutTail { get; init; }

    /// <summary>Time of the last batch (or of the point), once sealed.</summary>
    public DateTimeOffset LastAt { get; init; }

    /// <summary>Somebody deleted the point that it led up to and wanted the space now: the fine window does not keep its moments. Missing = it does.</summary>
    public bool? GivenUp { get; init; }
}

/// <param name="Sequence">The position to return to.</param>
/// <param name="Point">The point that was asked for, when it was one.</param>
internal sealed record RestoreMark(long Sequence, PointId? Point, DateTimeOffset At);

/// <param name="Layer">Number of its layer file, which is no part of the volume yet.</param>
internal sealed record StagingMark(long Layer, PointId? BasePoint, PointInfo Target);

[JsonSerializable(typeof(ManifestState))]
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
internal sealed partial class ManifestJson : JsonSerializerContext;
