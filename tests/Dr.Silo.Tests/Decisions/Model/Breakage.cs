namespace Dr.Silo.Tests.Decisions.Model;

/// <summary>Ways in which the world around the machine may be broken on purpose: what the machine relies on.</summary>
internal enum Breakage
{
    None,
    StoreForgetsEpochs,
    GrantsWhileFencing,
    RestartForgetsGrants,
    LedgerDoesNotCompare,
    NoAudit,
    PolicyCountsAsLease,
}
