using Dr.Contracts.Wire;

namespace Dr.Edge.Replication;

/// <summary>What the source knows about itself when it decides. Points are in order.</summary>
/// <param name="JournalGoneAt">Position from which the journal was found to be gone; null while it was not tried or worked.</param>
/// <param name="RewindGoneAt">Position that the target was told to go back to and no longer has; null while it was not tried or worked.</param>
/// <param name="Distrusted">Points that turned out not to be the same on both sides.</param>
/// <param name="MayCompare">Both ends can compare digests, and doing so has not led to a wrong content before.</param>
/// <param name="MappedFrom">Position after which a change map tells what was written; null without one.</param>
/// <param name="DiffersAt">Position at which what the target holds turned out not to be ours, though the histories say that it is; null when not, or since a whole content was proven.</param>
/// <param name="BacklogBytes">What the journal would have to ship.</param>
internal sealed record SourceView(
    CopyHistory History,
    IReadOnlyList<PointMark> Points,
    CopyMode Mode,
    SequenceNumber? JournalGoneAt,
    SequenceNumber? RewindGoneAt,
    IReadOnlySet<PointId> Distrusted,
    bool MayCompare,
    long BacklogBytes,
    SequenceNumber? MappedFrom = null,
    SequenceNumber? DiffersAt = null);
