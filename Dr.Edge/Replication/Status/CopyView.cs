namespace Dr.Edge.Replication.Status;

/// <summary>What the source knows when a copy's status is put together.</summary>
/// <param name="Appended">The source's end now.</param>
/// <param name="LagBytes">What the journal holds beyond the durable position.</param>
/// <param name="Remembered">What the peer had when that was last noted in the file.</param>
internal sealed record CopyView(CopySettings Settings, SequenceNumber Appended, long LagBytes, SequenceNumber Remembered, IReadOnlyList<PointInfo> Points);
