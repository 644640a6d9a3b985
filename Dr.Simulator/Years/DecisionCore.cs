using Dr.Contracts.Grains;
using Dr.Silo.Decisions.Detection;
using Dr.Silo.Decisions.Failover;

namespace Dr.Simulator.Years;

/// <summary>
/// The decision functions that a year runs through. <see cref="Real"/> is the product's, call for call; another one is a core that somebody broke, to see whether a year notices.
/// </summary>
internal sealed record DecisionCore
{
    public static DecisionCore Real { get; } = new();

    /// <summary>The failover table.</summary>
    public TableIndex Table { get; init; } = new(FailoverTable.Rows);

    public Func<SuspicionFacts, Verdict> Classify { get; init; } = SuspicionClassifier.Classify;

    public Func<DetectorState, TimeSpan, LocalHealth, DateTimeOffset, Judgement> Judge { get; init; } = FailureDetector.Judge;

    /// <summary>May this activation extend the lease, by its own state?</summary>
    public Func<SystemState, SiteId, Epoch, bool> MayGrant { get; init; } = LeaseClock.MayGrant;

    /// <summary>… and by the ledger's row?</summary>
    public Func<SystemState, LedgerEntry?, string, Epoch, bool> LedgerGrants { get; init; } = LeaseClock.MayGrant;

    /// <summary>The holder's own deadline: request sent, answer received, time to live.</summary>
    public Func<DateTimeOffset, DateTimeOffset, TimeSpan, DateTimeOffset> HolderStopsAt { get; init; } = (sent, _, ttl) => LeaseClock.HolderStopsAt(sent, ttl);

    public Func<SystemState, SystemEffect?> AfterRestart { get; init; } = Resumption.EffectOf;

    /// <summary>Which word about a mirror counts: the new one against the known one.</summary>
    public Func<MirrorWord, MirrorWord, bool> IsAtLeast { get; init; } = (word, known) => word.IsAtLeast(known);

    /// <summary>Effects that are lost on the way from the store to who carries them out.</summary>
    public Func<SystemEffect, bool> LosesEffect { get; init; } = _ => false;

    /// <summary>What the appliances promise: see <see cref="EdgeRules"/>.</summary>
    public EdgeRules Edge { get; init; } = new();

    /// <summary>The compare-and-swap compares.</summary>
    public bool LedgerCompares { get; init; } = true;
}

/// <summary>What the model of the appliances and hosts keeps to. True in the product; each false one is a broken build.</summary>
internal sealed record EdgeRules
{
    /// <summary>A command under a lower epoch than the highest seen is refused.</summary>
    public bool ChecksEpoch { get; init; } = true;

    /// <summary>A repeated command gets the stored answer and does nothing.</summary>
    public bool RemembersResults { get; init; } = true;

    /// <summary>A command past its deadline is refused.</summary>
    public bool ChecksDeadline { get; init; } = true;

    /// <summary>Writes go on without the mirror only when it is stored that the mirror is out of date.</summary>
    public bool WaitsForTheWord { get; init; } = true;

    /// <summary>Time in which the machine stood still counts against the lease.</summary>
    public bool LeaseRunsWhileFrozen { get; init; } = true;

    /// <summary>Writes stop when the lease has lapsed.</summary>
    public bool GateShuts { get; init; } = true;

    /// <summary>"The destination has everything" is only said when it has.</summary>
    public bool SyncWaits { get; init; } = true;
}
