namespace Dr.Edge.Buffers;

/// <summary>The three lanes of the outbox; the number is the one on the wire.</summary>
internal enum Lane
{
    /// <summary>Transactions: never dropped; the last part of the file belongs to them.</summary>
    Transactions = 0,

    /// <summary>Status and alarms: under pressure only the newest per key is kept.</summary>
    Status = 1,

    /// <summary>Bulk: under pressure it waits.</summary>
    Bulk = 2,
}
