using Dr.Edge.Volumes;

namespace Dr.Edge.Replication.Changes;

/// <summary>
/// The blocks that were written after one position of a history, up to another: what a copy that stands at the first lacks of the second. Never too few; some may have been written with what they held. Pure.
/// </summary>
/// <param name="After">The position that the copy is known to hold a point of.</param>
/// <param name="UpTo">What was written after this is not in the map.</param>
/// <param name="Generation">The generation that wrote <paramref name="UpTo"/>: another one there is another history.</param>
internal sealed record ChangeMap(SequenceNumber After, SequenceNumber UpTo, Generation Generation, ChangeBitmap Blocks);
