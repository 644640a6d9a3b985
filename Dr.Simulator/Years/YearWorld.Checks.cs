using System.Diagnostics.CodeAnalysis;
using Dr.Contracts.Grains;
using Dr.Silo.Decisions.Detection;
using Dr.Silo.Decisions.Failover;

namespace Dr.Simulator.Years;

/// <content>The invariants of the control plane, looked at after every step.</content>
internal sealed partial class YearWorld
{
    /// <summary>An owner that has served its users for this long without a break was healthy, whatever anybody says.</summary>
    private static readonly TimeSpan HealthyFor = TimeSpan.FromSeconds(10);

    /// <summary>More transitions of one system in an hour than this serve nobody: each is in the audit, and each may be an alert.</summary>
    private const int MostInAnHour = 300;

    private static readonly TimeSpan NoticedWithin = TimeSpan.FromMinutes(5);

    private void Apply(YearMember member, SystemEvent evt)
    {
        var before = member.State;
        var transition = FailoverMachine.Apply(_core.Table, before, evt, Now);
        CheckTold(member, evt, transition);
        if (!transition.Applied)
        {
            Require(ReferenceEquals(before, transition.Next), member, "the audit has every transition", "the state changed without an entry");
            return;
        }

        var next = transition.Next;
        var audit = transition.Audit!;
        Outcome.Transitions++;
        Mix((ulong)member.Index, (ulong)Now.UtcTicks, (ulong)audit.From, (ulong)audit.To, (ulong)audit.Epoch.Value, (ulong)audit.Rule.Length, (ulong)transition.Effects.Count);
        if (_story is not null)
        {
            Tell(member, $"{audit.From} → {audit.To}: {audit.Rule} ({evt.Name}, epoch {audit.Epoch})");
        }

        member.State = next;
        member.NoticedAt = Now;
        member.Busy = Now - member.Busy.Began > TimeSpan.FromHours(1) ? (Now, 1) : (member.Busy.Began, member.Busy.Count + 1);
        Require(member.Busy.Count <= MostInAnHour, member, "it does not run in circles", $"{member.Busy.Count} transitions within {YearFault.Duration(Now - member.Busy.Began)}, the last {audit.From} → {audit.To}: {audit.Rule}");
        Require(audit.From == before.Phase && audit.To == next.Phase && audit.Epoch == next.Owner.Epoch && audit.Actor.Length > 0 && audit.Evidence.Length > 0 && audit.Rule.Length > 0,
            member, "the audit has every transition", $"its entry does not say what happened: {audit}");
        CheckState(member, before, evt);
        foreach (var effect in transition.Effects)
        {
            CheckEffect(member, before, effect);
            if (effect is SystemEffect.RaiseAlert alert)
            {
                Hear(member, alert);
            }
            else
            {
                member.Effects.Add(effect);
            }
        }

        var again = FailoverMachine.Apply(_core.Table, next, evt, Now);
        Require(!again.Effects.Any(e => e is SystemEffect.RunStep or SystemEffect.ClaimOwnership or SystemEffect.StopLeases), member, "the same event twice is once", $"{evt.Name} acts twice in {next.Phase}");
        if (next.Owner != before.Owner)
        {
            member.Fencing = false;
            Count(member, next);
        }
        else if (member.Fencing && next.Run is not { LeasesStopped: true })
        {
            member.Fencing = false;
            member.Ledger = member.Ledger.Owner.Epoch == next.Owner.Epoch ? member.Ledger with { Fencing = false } : member.Ledger;
        }

        if (member.KillInMidRun && transition.Effects.FirstOrDefault(e => e is SystemEffect.RunStep or SystemEffect.ClaimOwnership or SystemEffect.StopLeases) is { } owed && _chance.Hits(0.4))
        {
            KillInMidRun(member, "saved", owed);
        }
    }

    private void Count(YearMember member, SystemState next)
    {
        if (next.Run is { Kind: RunPurpose.Failover } run)
        {
            Outcome.Takeovers++;
            Outcome.AutomaticTakeovers += run.Automatic && run.ApprovedBy is null ? 1 : 0;
            if (run.Automatic)
            {
                member.AutomaticAt = Now;
            }
        }
        else if (next.Run is { Kind: RunPurpose.Move })
        {
            Outcome.Moves++;
        }
    }

    private void CheckState(YearMember member, SystemState before, SystemEvent evt)
    {
        var state = member.State;
        Require(state.Owner.Epoch >= before.Owner.Epoch && state.HighestEpoch >= before.HighestEpoch, member, "epochs only grow", $"from {before.Owner.Epoch} to {state.Owner.Epoch}");
        Require(state.Owner.Epoch <= member.Ledger.Owner.Epoch, member, "one record says who owns", $"it believes in epoch {state.Owner.Epoch}, which the ledger never had");
        Require(state.Deadline is not null, member, "no phase outlives its budget without an alert", $"{state.Phase} has no budget");
        Require(before.Run is not { Kind: RunPurpose.Drill } || state.Run?.Id != before.Run.Id || state.Owner == before.Owner, member, "a drill never changes ownership", $"{before.Owner} became {state.Owner}");
        Require(state.Owner.Site == before.Owner.Site || evt is SystemEvent.Accept || state.Run is { Proof: not null }, member, "no promotion without a recorded proof", "ownership moved without one");
        if (state.Run is { Automatic: true } started && started.Id != before.Run?.Id)
        {
            Require(before.Phase != Phase.OnTrial, member, "a taken-over system never bounces back by itself", "a new run began on trial");
        }

        if (before.Phase == Phase.OnTrial && state.Phase is Phase.FailedOver or Phase.Unprotected)
        {
            Require(evt is SystemEvent.Commit || (evt is SystemEvent.TimePassed && Now - before.Since >= before.Rules.Trial), member, "a trial ends by a person or by its time", $"it was committed by {evt.Name} after {YearFault.Duration(Now - before.Since)}");
        }

        if (state.Run is { Automatic: true, LeasesStopped: true, ApprovedBy: null } fenced && before.Run is not { LeasesStopped: true })
        {
            CheckAutomatic(member, fenced);
        }
    }

    private void CheckAutomatic(YearMember member, LiveRun run)
    {
        Require(member.State.Rules.Approval == ApprovalMode.Automatic, member, "policy's person is asked", "it acts by itself");
        Require(member.AutomaticAt is not { } last || Now - last >= member.State.Rules.BlockPeriod, member, "one automatic failover per block period", $"the last one was {YearFault.Duration(Now - (member.AutomaticAt ?? Now))} ago");
        var healthyFor = Now - (member.ServesSince ?? Now);
        var site = _sites[member.Owner.Site];
        if (run.Verdict?.Scope == FaultScope.Access && member.ServesSince is not null && site.AccessCut == 0 && Now - site.AccessCutUntil > SuspicionClassifier.FreshFor)
        {
            Break(member, "no false site failover", $"{run.From} is left because users are cut off, and they are not: {run.Verdict}");
        }

        // Whose gate has shut answers nobody, however whole its machines are.
        var owner = member.Nodes[member.Owner.Site].Volume;
        var gateIsOpen = !member.System.HasVolume || owner.LeaseUntil > Now;
        if (gateIsOpen && member.ServesSince is { } since && healthyFor >= HealthyFor)
        {
            Break(member, "no false site failover", $"{run.From} is left by itself although it has served its users for {YearFault.Duration(Now - since)}: {run.Verdict}");
        }
    }

    private void CheckEffect(YearMember member, SystemState before, SystemEffect effect)
    {
        var state = member.State;
        if (effect is SystemEffect.RunStep step)
        {
            Require(step.Epoch >= state.Owner.Epoch, member, "a lower epoch never acts", $"{step.Key.Step} is sent under epoch {step.Epoch}, and the owner has {state.Owner.Epoch}");
        }

        if (effect is SystemEffect.ClaimOwnership claim)
        {
            var run = state.Run!;
            Require(run.Kind != RunPurpose.Drill, member, "a drill never changes ownership", "it claims it");
            Require(run.Proof is { } proof && proof.FencedEpoch >= claim.Expected.Epoch, member, "no promotion without a recorded proof", "ownership is claimed without one, or with one about another epoch");
            Require(!(before.Run is { Claimed: true } && before.Run.Id == claim.Run), member, "the same event twice is once", "it is claimed twice in one run");
            if (claim.Wanted.Site != claim.Expected.Site && run.Kind == RunPurpose.Failover && member.System.HasVolume)
            {
                var limit = run.AcceptedLoss is { } accepted && accepted > state.Rules.LossLimit ? accepted : state.Rules.LossLimit;
                Require(run.Assessment is { } known && known.Loss.IsWithin(limit), member, "more loss than policy allows needs a person", "ownership is claimed although more is lost, or nobody knows how much");
            }
        }
    }

    /// <summary>The heart: when a copy becomes writable nobody else can write, and what it lacks was written down before.</summary>
    private void CheckPromotion(YearMember member, SystemEffect.RunStep step, YearNode node)
    {
        var volume = node.Volume;
        if (volume.IsPrimary && volume.Own == step.Epoch)
        {
            return;
        }

        Require(step.Epoch <= member.Ledger.Owner.Epoch, member, "no promotion without a recorded proof", $"epoch {step.Epoch} is promoted before the ledger has it");
        var other = member.Nodes[1 - node.Site];
        Require(!(other.Volume.IsPrimary && other.Volume.LeaseUntil > Now && Works(member, other)), member, "at most one site accepts writes", $"{node.Volume.Site} is promoted while {other.Volume.Site} can write");
        if (member.State.Run is not { } run || run.Id != step.Key.Run || step.Epoch != member.Ledger.Owner.Epoch)
        {
            return;
        }

        Require(run.Proof is not null, member, "no promotion without a recorded proof", "the run has none");
        foreach (var (epoch, answered) in member.Answered.ToArray())
        {
            var held = volume.Holds(epoch);
            if (held is { } all && all >= answered)
            {
                continue;
            }

            // Between its last write and the moment whose content the copy holds nothing was written.
            var upTo = run.Kind == RunPurpose.Failover && held is { } last && volume.AsOf is { } asOf && epoch == other.Volume.Own && asOf > last ? asOf : held ?? Start;
            var lost = answered - upTo;
            if (lost <= TimeSpan.Zero)
            {
                continue;
            }

            Require(run.Kind != RunPurpose.Move, member, "a planned move loses nothing", $"{YearFault.Duration(lost)} of answered writes of epoch {epoch} are missing");
            if (run.Kind == RunPurpose.Failover && run.AcceptedLoss != PredictedLoss.Anything)
            {
                Outcome.LongestLoss = lost > Outcome.LongestLoss ? lost : Outcome.LongestLoss;
                Require(lost <= (run.Assessment?.Loss.Age ?? TimeSpan.Zero), member, "unplanned loss stays within the recorded window", $"{lost.TotalSeconds:0.###} s of answered writes are missing, recorded were {run.Assessment?.Loss.Age?.TotalSeconds ?? 0:0.###} s ({run.Assessment?.Loss.Basis})");
            }

            // On record as lost: no later move can bring it back.
            if (held is { } kept)
            {
                member.Answered[epoch] = kept;
            }
            else
            {
                member.Answered.Remove(epoch);
            }
        }
    }

    private void CheckTold(YearMember member, SystemEvent evt, Transition transition)
    {
        var before = member.State;
        if (evt is not SystemEvent.TimePassed || before.Deadline > Now || before.Phase is Phase.Protected or Phase.FailbackReady)
        {
            return;
        }

        var gotOn = transition.Next.Phase != before.Phase || transition.Next.Run?.Id != before.Run?.Id || transition.Next.Run?.Proof != before.Run?.Proof;
        Require(gotOn || transition.Effects.Any(e => e is SystemEffect.RaiseAlert), member, "no phase outlives its budget without an alert", $"{before.Phase} did, and nobody was told");
    }

    private void CheckBudget(YearMember member) =>
        Require(!SiloUp || member.State.Deadline is not { } deadline || Now - deadline < TimeSpan.FromSeconds(10), member, "no phase outlives its budget without an alert", $"{member.State.Phase} is {YearFault.Duration(Now - (member.State.Deadline ?? Now))} over it");

    /// <summary>In clear weather nothing is late and nobody is needed.</summary>
    private void Hear(YearMember member, SystemEffect.RaiseAlert alert)
    {
        if (alert.Alert is AlertKey.StepLate or AlertKey.StepFailed or AlertKey.FencingUnproven or AlertKey.OwnershipMoved)
        {
            Require(_active > 0 || Now < _troubleUntil, member, "in clear weather nothing is late", alert.Text);
        }

        if (_story is not null)
        {
            Tell(member, $"alert: {alert.Text}");
        }
    }

    /// <summary>A system that does not serve is noticed: its state says so, or changes.</summary>
    private void ExpectNotice(YearMember member)
    {
        var since = member.FailsSince;
        _scheduler.After(NoticedWithin, () =>
        {
            var watched = SiloUp && _ledgerAway == 0 && _brokerAway == 0 && Now - _activatedAt >= NoticedWithin && Now - _trustedSince >= NoticedWithin;
            if (member.FailsSince == since && watched && member.State.Phase is Phase.Protected or Phase.FailbackReady && member.State.Run is null && !member.Watch.Repairing)
            {
                Require(member.NoticedAt >= since, member, "a fault is noticed", $"it has not served for {YearFault.Duration(NoticedWithin)}, and nobody has noticed");
            }
        });
    }

    private void Mix(params ReadOnlySpan<ulong> values)
    {
        var hash = Outcome.Hash;
        foreach (var value in values)
        {
            hash = (hash ^ value) * 1099511628211ul;
        }

        Outcome.Hash = hash;
    }

    private void Require(bool holds, YearMember member, string rule, string what)
    {
        if (!holds)
        {
            Break(member, rule, what);
        }
    }

    private void Require(bool holds, YearMember member, string rule, [System.Runtime.CompilerServices.InterpolatedStringHandlerArgument(nameof(holds))] RuleText what)
    {
        if (!holds)
        {
            Break(member, rule, what.ToString());
        }
    }

    [DoesNotReturn]
    private void Break(YearMember member, string rule, string what) =>
        throw new YearViolationException(rule, $"{member.System.Name}, day {(Now - Start).Days} {Now:HH:mm:ss.f}: {what}", Now - Start);
}
