using Dr.Contracts.Grains;
using Dr.Contracts.Ids;
using Dr.Silo.Decisions.Detection;
using Dr.Silo.Decisions.Failover;

namespace Dr.Silo.Tests.Decisions.Model;

/// <content>The invariants.</content>
internal sealed partial class FailoverModel
{
    private bool Apply(SystemEvent evt)
    {
        var before = State;
        var transition = FailoverMachine.Apply(_table, before, evt, Now);
        if (_broken == Breakage.NoAudit && transition.Audit is { From: Phase.Fencing })
        {
            transition = transition with { Audit = null };
        }

        CheckAudit(before, evt, transition);
        CheckLooked(before, evt, transition);
        State = transition.Next;
        if (transition.Audit is { } audit)
        {
            Trace.Add($"{Now:mm:ss.f} {audit.From} → {audit.To}: {audit.Rule}");
            RulesUsed.Add($"{audit.From}/{audit.Event}/{audit.Rule}");
        }

        foreach (var effect in transition.Effects)
        {
            CheckEffect(before, effect);
            _effects.Add(effect);
        }

        Alerts.AddRange(transition.Effects.OfType<SystemEffect.RaiseAlert>());
        _effects.RemoveAll(e => e is SystemEffect.RaiseAlert or SystemEffect.ProbeOwner or SystemEffect.RepairLocally);
        CheckOwnership(before, evt);
        CheckTold(before, evt, transition);
        var again = FailoverMachine.Apply(_table, State, evt, Now);
        again.Effects.Where(e => e is SystemEffect.RunStep or SystemEffect.ClaimOwnership or SystemEffect.StopLeases).ShouldBeEmpty($"{evt.Name} twice is not once in {State.Phase}");
        if (_ledgerFences && State.Run is not { LeasesStopped: true })
        {
            _ledgerFences = false;
        }

        CheckWriters();
        return transition.Applied;
    }

    private void CheckAudit(SystemState before, SystemEvent evt, Transition transition)
    {
        ReferenceEquals(before, transition.Next).ShouldBe(transition.Audit is null, "a change without an audit entry, or an entry without a change");
        if (transition.Audit is { } audit)
        {
            (audit.Actor.Length > 0 && audit.Evidence.Length > 0 && audit.Rule.Length > 0).ShouldBeTrue("an audit entry without actor, evidence or rule");
            (audit.From, audit.To, audit.Epoch, audit.At).ShouldBe((before.Phase, transition.Next.Phase, transition.Next.Owner.Epoch, Now));
            audit.Actor.ShouldBe(evt.Actor);
        }
    }

    /// <summary>Nobody is sent for, and nothing is called off, because nobody has looked yet.</summary>
    private void CheckLooked(SystemState before, SystemEvent evt, Transition transition)
    {
        if (evt is SystemEvent.Classified { Verdict.Scope: FaultScope.Unjudged } && before.Run is { } run)
        {
            (transition.Next.Run?.Id).ShouldBe(run.Id, "a run ended because nobody could look");
            transition.Next.Run!.Verdict.ShouldBe(run.Verdict, "what was found is forgotten because nobody could look again");
        }

        if (evt is SystemEvent.TakeoverAssessed { Assessment: { } look } && (!look.PeerReady || look.Loss.Age is null) && before is { Phase: Phase.Fencing, Run.Proof: { } proof } && transition.Next.Phase == Phase.NeedsOperator)
        {
            (Now - (proof.At > _hearsSince ? proof.At : _hearsSince)).ShouldBeGreaterThanOrEqualTo(Budgets.CatchUp, "a person is asked for what would have been heard in a moment");
        }
    }

    private void CheckOwnership(SystemState before, SystemEvent evt)
    {
        State.Owner.Epoch.ShouldBeGreaterThanOrEqualTo(before.Owner.Epoch, "ownership epochs only grow");
        State.Owner.Epoch.ShouldBeLessThanOrEqualTo(_ledger.Epoch, "it believes in an owner that the ledger never had");
        State.Deadline.ShouldNotBeNull("a phase without a budget");
        if (before.Run is { Kind: RunPurpose.Drill } && State.Run?.Id == before.Run.Id)
        {
            State.Owner.ShouldBe(before.Owner, "a drill changed ownership");
        }

        State.HighestEpoch.ShouldBeGreaterThanOrEqualTo(before.HighestEpoch, "a number that was given out is forgotten");
        if (State.Run is { Automatic: true } bounced && bounced.Id != before.Run?.Id)
        {
            before.Phase.ShouldNotBe(Phase.OnTrial, "it bounces back by itself");
        }

        if (State.Owner != before.Owner && State.Run is { Automatic: true })
        {
            _automaticAt = Now;
        }

        if (State.Owner.Site != before.Owner.Site && evt is not SystemEvent.Accept)
        {
            State.Run.ShouldNotBeNull("ownership moved outside a run").Proof.ShouldNotBeNull("ownership moved without a recorded proof");
        }

        if (State.Run is { Automatic: true, LeasesStopped: true } fenced && before.Run is not { LeasesStopped: true })
        {
            (fenced.ApprovedBy is not null || State.Rules.Approval == ApprovalMode.Automatic).ShouldBeTrue("policy asks for a person, and nobody was asked");
            (fenced.ApprovedBy is not null || _automaticAt is not { } last || Now - last >= State.Rules.BlockPeriod).ShouldBeTrue("a second automatic takeover within the block period");
            (fenced.ApprovedBy is not null || Now - _foundAt <= Budgets.FindingLasts).ShouldBeTrue($"nobody agreed, and the owner was asked about last {Now - _foundAt} before");
        }
    }

    private void CheckEffect(SystemState before, SystemEffect effect)
    {
        Enum.IsDefined(effect.Executor).ShouldBeTrue($"{effect.Name} has nobody to carry it out");
        if (effect is SystemEffect.RunStep step)
        {
            step.Epoch.ShouldBeGreaterThanOrEqualTo(State.Owner.Epoch, "a lower epoch acts");
        }

        if (effect is SystemEffect.ClaimOwnership claim)
        {
            State.Run!.Kind.ShouldNotBe(RunPurpose.Drill, "a drill claims ownership");
            State.Run.Proof.ShouldNotBeNull("claimed without a recorded proof").FencedEpoch.ShouldBeGreaterThanOrEqualTo(claim.Expected.Epoch, "the proof is about another epoch");
            if (claim.Wanted.Site != claim.Expected.Site && State.Run.Kind == RunPurpose.Failover)
            {
                State.Run.Assessment.ShouldNotBeNull("claimed before anybody knew what is lost");
                var limit = State.Run.AcceptedLoss is { } accepted && accepted > State.Rules.LossLimit ? accepted : State.Rules.LossLimit;
                State.Run.Assessment.Loss.IsWithin(limit).ShouldBeTrue("more is lost than policy or a person accepted");
            }

            (before.Run is { Claimed: true } && before.Run.Id == claim.Run).ShouldBeFalse("claimed twice in one run");
        }
    }

    /// <summary>The heart: at the moment a copy becomes writable nobody else can write, and what it lacks was written down before.</summary>
    private void CheckPromotion(ModelStore store, SystemEffect.RunStep step)
    {
        if ((step.Epoch < store.Epoch && !store.ForgetsEpochs) || (store.IsPrimary && store.PrimaryEpoch == step.Epoch))
        {
            return; // Late or repeated: refused, or done already.
        }

        var run = State.Run?.Id == step.Key.Run ? State.Run : null;
        var other = _stores[step.Other!.Value];
        if (step.Epoch == _ledger.Epoch && run is not null)
        {
            run.Proof.ShouldNotBeNull("promoted without a recorded proof");
            var missing = _answered.Where(a => !store.Content.Contains(a.Key)).ToArray();
            if (run is { Kind: RunPurpose.Move })
            {
                missing.ShouldBeEmpty("a planned move loses nothing");
            }
            else if (run is { Kind: RunPurpose.Failover } && missing.Length > 0 && store.CurrentAsOf is { } asOf && run.AcceptedLoss != PredictedLoss.Anything)
            {
                var window = missing.Where(m => m.Value.Epoch == step.Epoch || m.Value.At >= asOf).Select(m => m.Value.At - asOf).DefaultIfEmpty().Max();
                window.ShouldBeLessThanOrEqualTo(run.Assessment!.Loss.Age ?? TimeSpan.Zero, "more was lost than was recorded before");
            }
        }

        other.MayWrite(Now).ShouldBeFalse("promoted while the old owner can write");
        foreach (var lost in _answered.Keys.Where(w => !store.Content.Contains(w)).ToArray())
        {
            _answered.Remove(lost); // On record as lost; no later move can bring it back.
        }
    }

    private void CheckWriters() => (_stores[Home].MayWrite(Now) && _stores[Peer].MayWrite(Now)).ShouldBeFalse("two sites can write");

    private void Answer(ModelStore store, int write)
    {
        var other = _stores[store.Site == Home ? Peer : Home];
        other.MayWrite(Now).ShouldBeFalse($"{store.Site} answered a write while {other.Site} can write");
        _answered[write] = (store.Site, store.PrimaryEpoch, Now);
    }

    /// <summary>A phase that outlives its budget ends, gets on, or tells somebody.</summary>
    private void CheckTold(SystemState before, SystemEvent evt, Transition transition)
    {
        if (evt is not SystemEvent.TimePassed || before.Deadline > Now || before.Phase is Phase.Protected or Phase.FailbackReady)
        {
            return;
        }

        var gotOn = State.Phase != before.Phase || State.Run?.Id != before.Run?.Id || State.Run?.Proof != before.Run?.Proof;
        (gotOn || transition.Effects.Any(e => e is SystemEffect.RaiseAlert)).ShouldBeTrue($"{before.Phase} outlived its budget and nobody was told");
    }
}
