using Dr.Contracts.Grains;
using Dr.Contracts.Ids;
using Dr.Silo.Decisions.Detection;
using Dr.Silo.Decisions.Failover;

namespace Dr.Silo.Tests.Decisions.Model;

/// <summary>Cores that are broken on purpose, one promise each. What does not find them proves nothing.</summary>
internal static class Mutants
{
    public static IReadOnlyDictionary<string, (TableIndex Table, Breakage Broken)> All { get; } = Build();

    private static Dictionary<string, (TableIndex, Breakage)> Build()
    {
        var all = new Dictionary<string, (TableIndex, Breakage)>(StringComparer.Ordinal);
        void Row(string name, Func<TableRow, bool> which, Func<TableRow, TableRow?> change)
        {
            FailoverTable.Rows.Count(which).ShouldBeGreaterThan(0, $"'{name}' breaks nothing");
            all.Add(name, (new TableIndex(FailoverTable.Rows.Select(r => which(r) ? change(r) : r).OfType<TableRow>()), Breakage.None));
        }

        void World(string name, Breakage broken) => all.Add(name, (new TableIndex(FailoverTable.Rows), broken));

        var soon = new Guard("soon after the proof", (s, _, now) => s.Run?.Proof is { } proof && now < proof.At + Budgets.CatchUp);
        var unmetToClaim = new Guard("something is unmet", (s, e, _) => Guards.UnmetToClaim(s, e).Count > 0);
        var unmetAndLate = new Guard("something is unmet, and it is late", (s, e, now) => unmetToClaim.Holds(s, e, now) && !(soon.Holds(s, e, now) && Guards.NotHeardYet.Holds(s, e, now)));

        // Fencing
        Row("takes over before the lease has lapsed", r => r.Name == "the lease has lapsed", r => Without(r, Guards.LeaseLapsed, Guards.NoProofYet));
        Row("counts the lease without the gate", r => r.Targets.Contains(Phase.Fencing), r => Then(r, (before, s) => Runs.Edit(s, run =>
            run.FenceBy is { } by && by != before.Run?.FenceBy ? run with { FenceBy = by - LeaseClock.GateTime - TimeSpan.FromMilliseconds(400) } : run)));
        Row("grants leases while it fences", r => r.From != Phase.Fencing && r.To == Phase.Fencing, r => Then(Drop(r, nameof(EffectRules.StopLeases)), (_, s) => Runs.Edit(s, run => run with { LeasesStopped = false })));
        Row("claims before anything is proven", r => r.From == Phase.Deciding && r.To == Phase.Fencing, r => r with { Effects = [.. r.Effects, new EffectRule("Claim", ExecutorKind.Ledger,
            (s, _, _) => new SystemEffect.ClaimOwnership { Run = s.Run!.Id, Expected = s.Owner, Wanted = new Ownership(s.Run.Epoch, s.Run.To), Proof = s.Run.Proof! })] });
        Row("promotes before the ledger has it", r => r.From == Phase.Deciding && r.To == Phase.Fencing, r => r with { Effects = [.. r.Effects, EffectRules.Step(StepKind.PromoteCopy)],
            Update = (s, e, now) => Runs.Begin(r.Update(s, e, now), StepKind.PromoteCopy) });
        Row("takes a proof about another epoch", r => r.On == typeof(SystemEvent.FencingProven), r => Without(r, Guards.ProofFits));
        Row("lets one person be two", r => r.On == typeof(SystemEvent.Attest), r => r.Guards.Contains(Guards.OnePerson) ? null : Then(Without(r, Guards.SecondPerson), (_, s) =>
            Runs.Edit(s, run => run with { Attestation = (run.Attestation ?? new Attestation { First = "wang", Statement = "off", At = DateTimeOffset.UnixEpoch }) with { Second = "wang" } })));

        // Deciding
        Row("asks nobody", r => r.From == Phase.Deciding && r.To == Phase.Fencing, r => Without(r, Guards.MayAct));
        Row("begins by what was found long ago", r => r.Guards.Contains(Guards.FindingStands), r => Without(r, Guards.FindingStands));
        Row("does not weigh what is lost", r => r.Guards.Contains(Guards.MayClaim), r => Without(r, Guards.MayClaim));
        Row("does not work out what is lost", r => r.From == Phase.Deciding && r.To == Phase.Fencing || r.Name.StartsWith("the loss is known", StringComparison.Ordinal), r =>
            Then(Without(Without(r, Guards.MayAct), Guards.MayClaim), (_, s) => Runs.Edit(s, run => run with { Assessment = null })));
        Row("forgets the block period", r => r.On == typeof(SystemEvent.OwnershipClaimed), r => Then(r, (_, s) => s with { LastAutomaticAt = null }));
        Row("bounces back by itself", r => r.Name == "the new owner is lost", r => r with
        {
            Targets = [Phase.Deciding],
            Resolve = _ => Phase.Deciding,
            Update = (s, e, now) => Runs.StartAutomatic(Runs.Finish(s, null), ((SystemEvent.Classified)e).Verdict, e.Actor, now),
        });

        Row("calls off what nobody could look at", r => r.Guards.Contains(Guards.NothingFails), r =>
            Without(r, Guards.NothingFails, new Guard("nothing, or nobody looked", (_, e, _) => e is SystemEvent.Classified { Verdict.Scope: FaultScope.None or FaultScope.Unjudged })));
        Row("forgets what was found when nobody could look again", r => r.Guards.Contains(Guards.Judged), r => Without(r, Guards.Judged));
        Row("does not wait to hear the copy", r => r.Guards.Contains(Guards.NotHeardYet) || r.Guards.Contains(Guards.MayNotClaim), r =>
            r.Guards.Contains(Guards.NotHeardYet) ? null : Without(r, Guards.MayNotClaim, unmetToClaim));
        Row("waits to hear the copy from the proof alone", r => r.Guards.Contains(Guards.NotHeardYet) || r.Guards.Contains(Guards.MayNotClaim), r =>
            r.Guards.Contains(Guards.NotHeardYet) ? r with { Guards = [.. r.Guards, soon] } : Without(r, Guards.MayNotClaim, unmetAndLate));

        // Epochs
        Row("acts under a number of before", r => r.Effects.Any(e => e.Executor is ExecutorKind.Host or ExecutorKind.Appliance), r => r with { Effects = [.. r.Effects.Select(rule => rule with { Make = (s, e, now) =>
            rule.Make(s, e, now) is SystemEffect.RunStep step ? step with { Epoch = Epoch.None } : rule.Make(s, e, now) })] });
        Row("believes any answer of the ledger", r => r.On == typeof(SystemEvent.OwnershipClaimed), r => Without(r, Guards.ClaimedAsAsked));
        Row("gives a number twice", r => r.On == typeof(SystemEvent.Abort) || r.Name == "called off", r => Then(r, (_, s) => s with { HighestEpoch = s.Owner.Epoch }));
        Row("lets a drill own something", r => r.Name == "cloned", r => Then(r, (_, s) => s with { Owner = new Ownership(s.Owner.Epoch.Next, s.CopySite), HighestEpoch = s.Owner.Epoch.Next }));

        // Moves
        Row("moves without the last writes", r => r.Name == "no more writes, proven at the store", r => r with
        {
            Effects = [EffectRules.Claim],
            Update = (s, e, now) => Runs.Prove(s, FencingProofKind.OwnerStopped, "x", null, now),
        });
        Row("does not compare the two sides", r => r.Guards.Contains(Guards.DigestsEqual), r => Without(r, Guards.DigestsEqual));

        // Steps, effects, budgets, record
        Row("does a step for every answer", r => r.Name == "promoted", r => Without(r, Guards.PendingStep));
        Row("loses the claim", r => r.Name == "the loss is known and accepted", r => r with { Effects = [] });
        Row("loses the promotion", r => r.Name == "ours: promote", r => r with { Effects = [] });
        Row("never copies back", r => r.Name == "send the differences back", r => r with { Effects = [] });
        Row("tells nobody", r => r.On == typeof(SystemEvent.TimePassed), r => r with { Effects = [.. r.Effects.Where(e => e.Executor != ExecutorKind.Alerts)] });
        Row("never comes back from the way home", r => r.From == Phase.Reversing && r.On == typeof(SystemEvent.CopyCurrent), _ => null);
        World("writes no audit while fencing", Breakage.NoAudit);

        // What it relies on
        World("the store forgets epochs", Breakage.StoreForgetsEpochs);
        World("leases are granted while the ledger says fencing", Breakage.GrantsWhileFencing);
        World("a restart forgets when it granted last", Breakage.RestartForgetsGrants);
        World("the ledger does not compare", Breakage.LedgerDoesNotCompare);
        World("the policy's word for a lease is taken for the owner's", Breakage.PolicyCountsAsLease);
        return all;
    }

    private static TableRow Without(TableRow row, Guard guard, params Guard[] instead) => row with { Guards = [.. row.Guards.Where(g => g != guard), .. instead] };

    private static TableRow Drop(TableRow row, string effect) => row with { Effects = [.. row.Effects.Where(e => e.Name != effect)] };

    private static TableRow Then(TableRow row, Func<SystemState, SystemState, SystemState> change) => row with { Update = (s, e, now) => change(s, row.Update(s, e, now)) };
}
