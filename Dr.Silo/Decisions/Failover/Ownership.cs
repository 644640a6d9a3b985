namespace Dr.Silo.Decisions.Failover;

/// <summary>The ledger's one record per business system: who may write, and under which number.</summary>
[GenerateSerializer, Immutable, Alias("dr.Ownership")]
public sealed record Ownership([property: Id(0)] Epoch Epoch, [property: Id(1)] SiteId Site);
