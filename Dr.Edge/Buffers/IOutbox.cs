namespace Dr.Edge.Buffers;

/// <summary>Where a part of the edge leaves a row for the control plane. The row is delivered exactly once, in the order of its lane.</summary>
internal interface IOutbox
{
    /// <summary>
    /// Returns after the row is on stable storage. A row whose <see cref="DataRow.Key"/> was added before (same lane) is not added again: the first one's
    /// sequence comes back with <see cref="OutboxReceipt.Duplicate"/>. A full outbox refuses with a <see cref="DrException"/> and keeps draining.
    /// </summary>
    Task<OutboxReceipt> AddAsync(Lane lane, DataRow row, CancellationToken cancellationToken);
}

/// <summary>Where a row stands.</summary>
internal readonly record struct OutboxReceipt(Guid Stream, long Sequence, bool Duplicate);
