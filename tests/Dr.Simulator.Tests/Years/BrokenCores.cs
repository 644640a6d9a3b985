using Dr.Contracts.Grains;
using Dr.Contracts.Ids;
using Dr.Silo.Decisions.Detection;
using Dr.Silo.Decisions.Failover;
using Dr.Simulator.Years;

namespace Dr.Simulator.Tests.Years;

/// <summary>Cores that somebody broke, one promise each. Years that do not find them prove nothing.</summary>
internal static class BrokenCores
{
    public static IReadOnlyDictionary<string, DecisionCore> All { get; } = Build();

    /// <summary>Found by one year in some hundreds: looked for only when there is time.</summary>
    public static IReadOnlySet<string> Rare { get; } = new HashSet<string>(StringComparer.Ordinal)
    {
        "does not wait for the lease to lapse", "lets an activation of before grant leases", "counts the lease from the answer", "grants leases while it fences",
    };

    /// <summary>Found by one year in some ten thousand, so by a year that did.</summary>
    public static DecisionCore BeginsByWhatWasFoundLongAgo { get; } = DecisionCore.Real with
    {
        Table = new TableIndex(FailoverTable.Rows.Select(r => r.Guards.Contains(Guards.FindingStands) ? Without(r, Guards.FindingStands) : r)),
    };

    private static Dictionary<string, DecisionCore> Build()
    {
        var all = new Dictionary<string, DecisionCore>(StringComparer.Ordinal);
        void Row(string name, Func<TableRow, bool> which, Func<TableRow, TableRow?> change)
        {
            FailoverTable.Rows.Count(which).ShouldBeGreaterThan(0, $"'{name}' breaks nothing");
            all.Add(name, DecisionCore.Real with { Table = new TableIndex(FailoverTable.Rows.Select(r => which(r) ? change(r) : r).OfType<TableRow>()) });
        }

        void Core(string name, Func<DecisionCore, DecisionCore> change) => all.Add(name, change(DecisionCore.Real));
        void Edge(string name, Func<EdgeRules, EdgeRules> change) => all.Add(name, DecisionCore.Real with { Edge = change(DecisionCore.Real.Edge) });

        // Fencing and leases
        Row("does not wait for the lease to lapse", r => r.Name == "the lease has lapsed", r => Without(r, Guards.LeaseLapsed, Guards.NoProofYet));
        Row("promotes before anything is proven", r => r.From == Phase.Deciding && r.To == Phase.Fencing, r => r with
        {
            Effects = [.. r.Effects, EffectRules.Step(StepKind.PromoteCopy)],
            Update = (s, e, now) => Runs.Begin(r.Update(s, e, now), StepKind.PromoteCopy),
        });
        Row("takes a proof about another epoch", r => r.From is Phase.Deciding or Phase.OnTrial && r.To == Phase.Fencing, r => r with
        {
            Update = (s, e, now) => Runs.Edit(r.Update(s, e, now), run => run with { FenceBy = run.FenceBy is null ? null : now }),
        });
        Core("grants leases while it fences", core => core with { MayGrant = (s, site, epoch) => s.Owner.Site == site && s.Owner.Epoch == epoch, LedgerGrants = (_, _, _, _) => true });
        Core("lets an activation of before grant leases", core => core with { LedgerGrants = (_, _, _, _) => true });
        Core("counts the lease from the answer", core => core with { HolderStopsAt = (_, received, ttl) => received + ttl });
        Edge("lets a frozen side keep its lease", edge => edge with { LeaseRunsWhileFrozen = false });
        Edge("never shuts the gate", edge => edge with { GateShuts = false });

        // Epochs and ownership
        Edge("does not check epochs", edge => edge with { ChecksEpoch = false });
        Core("has a ledger that does not compare", core => core with { LedgerCompares = false });
        Row("gives a number twice", r => r.On == typeof(SystemEvent.Abort) || r.Name == "called off", r => Then(r, (_, s) => s with { HighestEpoch = s.Owner.Epoch }));
        Row("acts under a number of before", r => r.Effects.Any(e => e.Executor is ExecutorKind.Host or ExecutorKind.Appliance), r => r with
        {
            Effects = [.. r.Effects.Select(rule => rule with { Make = (s, e, now) => rule.Make(s, e, now) is SystemEffect.RunStep step ? step with { Epoch = Epoch.None } : rule.Make(s, e, now) })],
        });
        Row("lets a drill own something", r => r.Name == "cloned", r => Then(r, (_, s) => s with { Owner = new Ownership(s.Owner.Epoch.Next, s.CopySite), HighestEpoch = s.Owner.Epoch.Next }));

        // Effects
        Core("loses the claim", core => core with { LosesEffect = e => e is SystemEffect.ClaimOwnership });
        Core("loses a command", core => core with { LosesEffect = e => e is SystemEffect.RunStep { Key.Step: StepKind.ApplyNetwork, BestEffort: false } });
        Edge("carries a command out twice", edge => edge with { RemembersResults = false });

        // Deciding
        Core("takes silence for death, without probes and witnesses", core => core with
        {
            Classify = facts => facts.Silent
                ? new Verdict { Scope = FaultScope.Device, Evidence = EvidenceKinds.MissedBeats | EvidenceKinds.Witnesses, Reasons = ["silent"], At = facts.Now }
                : SuspicionClassifier.Classify(facts),
        });
        Core("notices nobody's silence", core => core with { Judge = (state, alpha, local, now) => FailureDetector.Judge(state, alpha, local, now) with { Liveness = Liveness.Alive } });
        Core("takes a cut line for a lost owner", core => core with
        {
            Classify = facts => SuspicionClassifier.Classify(facts) is { Scope: FaultScope.Line } line ? line with { Scope = FaultScope.Device, Evidence = EvidenceKinds.MissedBeats | EvidenceKinds.Witnesses } : SuspicionClassifier.Classify(facts),
        });
        Core("takes an open door for a sign of nothing, whoever may extend the lease and whatever the copy hears", core => core with
        {
            Classify = facts => SuspicionClassifier.Classify(facts with { GateShutAt = DateTimeOffset.MinValue, CopyHearsNothing = true }),
        });
        Row("asks nobody", r => r.From == Phase.Deciding && r.To == Phase.Fencing, r => Without(r, Guards.MayAct));
        Row("does not weigh what is lost", r => r.Guards.Contains(Guards.MayClaim), r => Without(r, Guards.MayClaim));
        Row("forgets the block period", r => r.On == typeof(SystemEvent.OwnershipClaimed), r => Then(r, (_, s) => s with { LastAutomaticAt = null }));
        Row("bounces back by itself", r => r.Name == "the new owner is lost", r => r with
        {
            Targets = [Phase.Deciding],
            Resolve = _ => Phase.Deciding,
            Update = (s, e, now) => Runs.StartAutomatic(Runs.Finish(s, null), ((SystemEvent.Classified)e).Verdict, e.Actor, now),
        });
        Row("commits a trial without waiting for its end", r => r.Name is "the trial is over" or "the trial at home is over", r => Without(r with { On = typeof(SystemEvent.PeerReturned) }, Guards.BudgetSpent));

        // Copies and moves
        Edge("goes on without its mirror before the word is stored", edge => edge with { WaitsForTheWord = false });
        all.Add("fails back before the copy has caught up", DecisionCore.Real with
        {
            Edge = new EdgeRules { SyncWaits = false },
            Table = new TableIndex(FailoverTable.Rows.Select(r => r.Guards.Contains(Guards.DigestsEqual) ? Without(r, Guards.DigestsEqual) : r)),
        });
        Row("moves without the last writes", r => r.Name == "no more writes, proven at the store", r => r with
        {
            Effects = [EffectRules.Claim],
            Update = (s, _, now) => Runs.Prove(s, FencingProofKind.OwnerStopped, "x", null, now),
        });
        Row("tells nobody", r => r.On == typeof(SystemEvent.TimePassed), r => r with { Effects = [.. r.Effects.Where(e => e.Executor != ExecutorKind.Alerts)] });
        Row("never comes back from the way home", r => r.From == Phase.Reversing && r.On == typeof(SystemEvent.CopyCurrent), _ => null);
        return all;
    }

    private static TableRow Without(TableRow row, Guard guard, params Guard[] instead) => row with { Guards = [.. row.Guards.Where(g => g != guard), .. instead] };

    private static TableRow Then(TableRow row, Func<SystemState, SystemState, SystemState> change) => row with { Update = (s, e, now) => change(s, row.Update(s, e, now)) };
}
