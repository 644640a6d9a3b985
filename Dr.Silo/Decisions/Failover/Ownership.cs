namespace Dr.Silo.Decisions.Failover;

/// <summary>The ledger's one record per business system: who may write, and under which number.</summary>
[GenerateSerializer, Immutable, Alias("dr.Ownership")]
public sealed record Ownership([property: Id(0)] Epoch Epoch, [property: Id(1)] SiteId Site);

/// <summary>The record as it is: owner, whether it is being fenced (no leases), and which activation grants.</summary>
public sealed record LedgerEntry(Ownership Owner, bool Fencing, string Granter);

/// <summary><paramref name="Claimed"/>: the record is now what was wanted. <paramref name="Actual"/>: what it is.</summary>
public sealed record ClaimResult(bool Claimed, Ownership Actual);
