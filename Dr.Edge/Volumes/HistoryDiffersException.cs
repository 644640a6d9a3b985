namespace Dr.Edge.Volumes;

/// <summary>A batch follows by its number on what a copy holds, and not by the checksum of the batch before it: what the copy holds last is not what its owner wrote there.</summary>
internal sealed class HistoryDiffersException(string message, string hint) : DrException(message, hint);
