namespace Dr.Edge.Volumes.Scrubbing;

/// <summary>A place on disk that is not as it was written.</summary>
/// <param name="Where">The file's path, or <c>map</c>.</param>
/// <param name="Block">The volume's block, when it is the data of one.</param>
/// <param name="Layer">The layer's number, when it is in one.</param>
/// <param name="IsIndex">An index can be made again from the batches: no data is lost.</param>
internal sealed record Damage(string Where, long Offset, long Length, string Problem, long? Block, long? Layer, bool IsIndex);
