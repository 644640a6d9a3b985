using Dr.Contracts.Grains;

namespace Dr.Silo.Decisions.Failover;

/// <summary>
/// Everything the failover machine knows about one business system.
/// Invariants: <see cref="Owner"/> only changes to a higher epoch; <see cref="HighestEpoch"/> ≥ every epoch ever given to a run; a run past its claim
/// has a proof; at most one run is live.
/// </summary>
[GenerateSerializer, Immutable, Alias("dr.SystemState")]
public sealed record SystemState
{
    /// <summary>Finished runs that are remembered, so that an order repeated late starts nothing.</summary>
    public const int RememberedRuns = 32;

    [Id(0)] public required SystemId System { get; init; }

    [Id(1)] public required TakeoverRules Rules { get; init; }

    /// <summary>The ledger's record as last read or claimed.</summary>
    [Id(2)] public required Ownership Owner { get; init; }

    [Id(3)] public Phase Phase { get; init; } = Phase.Unprotected;

    [Id(4)] public DateTimeOffset Since { get; init; }

    /// <summary>The phase's budget; past it somebody is told.</summary>
    [Id(5)] public DateTimeOffset? Deadline { get; init; }

    [Id(6)] public LiveRun? Run { get; init; }

    /// <summary>Where Suspect, Deciding, Held and drills return to.</summary>
    [Id(7)] public Phase? ReturnTo { get; init; }

    [Id(8)] public DateTimeOffset? LastAutomaticAt { get; init; }

    /// <summary>Highest number ever given out, claimed or not: devices may have seen it.</summary>
    [Id(9)] public Epoch HighestEpoch { get; init; }

    [Id(10)] public long RunCount { get; init; }

    [Id(11)] public IReadOnlyList<RunId> FinishedRuns { get; init; } = [];

    /// <summary>One sentence on why the system is where it is.</summary>
    [Id(12)] public string? Reason { get; init; }

    /// <summary>What the ledger said when it surprised us; shown beside our own view.</summary>
    [Id(13)] public Ownership? Disputed { get; init; }

    /// <summary>The end that every hold has.</summary>
    [Id(14)] public DateTimeOffset? HoldUntil { get; init; }

    /// <summary>Until then a lease may be out that was granted under former rules, for longer than the present ones grant. Null = they never granted longer.</summary>
    [Id(15)] public DateTimeOffset? FormerLeaseEnds { get; init; }

    /// <summary>
    /// The epoch under which the owner's store asks for its serving lease, as it was heard last; <see cref="Epoch.None"/> = it was not heard to ask yet, or to ask no more. That a lease is configured here says nothing
    /// of the store: it has a configuration of its own. Null = a state of an older version, which did not look.
    /// </summary>
    [Id(16)] public Epoch? LeaseAsked { get; init; }

    /// <summary>The owner's store is known to refuse writes without a lease: only then its lapse proves anything.</summary>
    public bool WritesUnderLease => Rules is { HasVolume: true, LeaseTtl: not null } && (LeaseAsked is not { } asked || asked == Owner.Epoch);

    public bool OwnerIsHome => Owner.Site == Rules.Home;

    public SiteId CopySite => Rules.Other(Owner.Site);

    /// <summary>The next moment at which <see cref="SystemEvent.TimePassed"/> can change something.</summary>
    public DateTimeOffset? WakeAt => (Deadline, FenceBy) switch
    {
        ({ } d, { } f) => d < f ? d : f,
        ({ } d, null) => d,
        (null, var f) => f,
    };

    /// <summary>
    /// The same under other rules. What was granted under the former ones lasts as long as they said, so its lapse proves nothing earlier; and that a lease is asked for from now on proves nothing of an owner that
    /// was not heard to do so.
    /// </summary>
    /// <param name="granted">How long the leases lasted that were granted under the former rules. An owner that asks is granted one whether the rules need it or not.</param>
    /// <param name="now">From here on nothing is granted by the former rules.</param>
    public SystemState Under(TakeoverRules rules, TimeSpan granted, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(rules);
        var changed = this with { Rules = rules, LeaseAsked = Rules.LeaseTtl is null ? LeaseAsked ?? Epoch.None : LeaseAsked };
        if (!Rules.HasVolume || rules.LeaseTtl >= granted)
        {
            return changed;
        }

        // A promotion that is under way begins with a lease of the former rules, at its deadline at the latest.
        var last = Run is not null && Deadline is { } deadline && deadline > now ? deadline : now;
        var ends = last + LeaseClock.FencingWait(granted);
        return FormerLeaseEnds >= ends ? changed : changed with { FormerLeaseEnds = ends };
    }

    private DateTimeOffset? FenceBy => Phase == Phase.Fencing && Run is { Proof: null } run ? run.FenceBy : null;

    /// <summary>A system whose ledger record exists and whose copy is not known yet.</summary>
    public static SystemState New(SystemId system, TakeoverRules rules, Ownership owner, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(owner);
        return new SystemState
        {
            System = system,
            Rules = rules,
            Owner = owner,
            HighestEpoch = owner.Epoch,
            LeaseAsked = Epoch.None,
            Since = now,
            Deadline = now + Budgets.Of(Phase.Unprotected),
        };
    }
}
