using Dr.Contracts.Grains;
using static Dr.Contracts.Grains.Phase;
using static Dr.Silo.Decisions.Failover.EffectRules;
using static Dr.Silo.Decisions.Failover.Guards;
using static Dr.Silo.Decisions.Failover.SystemEvent;

namespace Dr.Silo.Decisions.Failover;

/// <summary>Deciding, fencing, taking over, trial.</summary>
public static partial class FailoverTable
{
    private static void DecidingRows(TableBuilder t)
    {
        t.In([.. Ready, FailedOver, Reversing]).On<StartFailover>("a person orders a failover").When(NewRun).Set(ComeBackHere)
            .Set((s, e, now) => Ordered(s, RunPurpose.Failover, (StartFailover)e, ((StartFailover)e).Run, ((StartFailover)e).Reason, now)).Do(Assess).GoTo(Deciding);
        t.In([.. Ready, FailedOver, Reversing]).On<StartForce>("the first of two people takes over by force").When(NewRun, Stated).Set(ComeBackHere).Set(Forced).Do(Assess, SecondPersonNeeded).GoTo(Deciding);

        // Probing is no reason to keep a person waiting: what is asked meanwhile decides nothing any more.
        t.In(Suspect).On<StartFailover>("a person orders a failover").When(NewRun)
            .Set((s, e, now) => Ordered(s, RunPurpose.Failover, (StartFailover)e, ((StartFailover)e).Run, ((StartFailover)e).Reason, now)).Do(Assess).GoTo(Deciding);
        t.In(Suspect).On<StartForce>("the first of two people takes over by force").When(NewRun, Stated).Set(Forced).Do(Assess, SecondPersonNeeded).GoTo(Deciding);
        t.In(Deciding).On<OwnerServes>("it was heard again").When(AutomaticRun).Set((s, _, _) => Runs.Finish(s, null)).GoToOneOf(Back, Ready);
        Fence<TakeoverAssessed>(t, [Deciding], "everything asked for is there", Runs.BeginFencing, ThisRun, MayAct, FindingStands);
        t.In(Deciding).On<TakeoverAssessed>("everything is there, but the finding is old: the owner is asked about once more").When(ThisRun, MayAct, FindingIsOld).Set(Weighed).Do(ProbeOwner).KeepDeadline().Stay();
        t.In(Deciding).On<TakeoverAssessed>("a person has to decide").When(ThisRun, MayNotAct)
            .Set((s, e, _) => Runs.Edit(s, r => r with { Assessment = ((TakeoverAssessed)e).Assessment })).Do(AskPerson).KeepDeadline().Stay();
        Fence<Approve>(t, [Deciding], "a person approves", Runs.BeginFencing, ThisRun, MayAct);
        t.In(Deciding).On<Approve>("approved, but something is still missing").When(ThisRun, MayNotAct)
            .Set((s, e, _) => Runs.Edit(s, r => r with { ApprovedBy = ((Approve)e).By, AcceptedLoss = ((Approve)e).AcceptLoss ?? r.AcceptedLoss })).Do(AskPerson, Assess).KeepDeadline().Stay();
        t.In(Deciding).On<Suspected>("silent while deciding").When(AutomaticRun).Do(ProbeOwner).KeepDeadline().Stay();
        t.In(Deciding).On<Classified>("nothing has failed after all").When(AutomaticRun, NothingFails).Set((s, _, _) => Runs.Finish(s, null)).GoToOneOf(Back, Ready);
        Fence<Classified>(t, [Deciding], "more evidence decides", Runs.BeginFencing, AutomaticRun, Judged, MayAct, FindingStands);
        t.In(Deciding).On<Classified>("a finding that comes late: the owner is asked about once more").When(AutomaticRun, Judged, MayAct, FindingIsOld)
            .Set((s, e, _) => Runs.Edit(s, r => r with { Verdict = ((Classified)e).Verdict })).Do(ProbeOwner).KeepDeadline().Stay();
        t.In(Deciding).On<Classified>("more evidence").When(AutomaticRun, Judged, MayNotAct)
            .Set((s, e, _) => Runs.Edit(s, r => r with { Verdict = ((Classified)e).Verdict })).Do(AskPerson).KeepDeadline().Stay();
        t.In(Deciding).On<Attest>("one person attests that the old owner is off").When(ThisRun, Stated, OnePerson).Set(Runs.Attested)
            .Do(SecondPersonNeeded).KeepDeadline().Stay();
        Fence<Attest>(t, [Deciding], "two people take over by force", (s, e, now) => Runs.BeginFencing(Runs.Attested(s, e, now), e, now), ThisRun, Stated, SecondPerson);
        t.In(Deciding).On<Decline>("a person declines").When(ThisRun, EndsLater)
            .Set((s, e, _) => Runs.Finish(s, "Declined.") with { HoldUntil = ((Decline)e).Until }).GoTo(Held);
        t.In(Deciding).On<Abort>("called off").When(ThisRun).Set((s, _, _) => Runs.Finish(s, "Called off.")).GoToOneOf(Back, AtRest);
        t.In(Deciding).On<TimePassed>("still waiting for a decision").When(BudgetSpent).Do(AskPerson, Assess).Stay();
    }

    private static void FencingRows(TableBuilder t)
    {
        t.In(Fencing).On<LeasesStopped>("the last lease is known").When(ThisRun, LeaseRunning).Set((s, e, now) => Runs.Edit(s, r => r with
        {
            LastGrantedAt = ((LeasesStopped)e).LastGrantedAt,
            FenceBy = Earlier(r.FenceBy, LeaseClock.FencedAt(s, ((LeasesStopped)e).LastGrantedAt, now)),
        })).KeepDeadline().Stay();
        Proven<StepDone>(t, Fencing, "the old owner stopped and says where", (s, e, now) => Runs.Proof(s, FencingProofKind.OwnerStopped, s.Run!.From.Value, ((StepDone)e).Evidence.Sequence, now), PendingStep, NoClaimYet);
        Proven<StepDone>(t, Fencing, "the old owner is switched off", (s, e, now) => Runs.Proof(s, FencingProofKind.FenceDevice, $"fence device at {s.Run!.To}", null, now), FenceAnswers, NoClaimYet, NoProofYet);
        Proven<FencingProven>(t, Fencing, "proven another way", (_, e, _) => ((FencingProven)e).Proof, ThisRun, NoClaimYet, NoProofYet, ProofFits);
        Proven<TimePassed>(t, Fencing, "the lease has lapsed", (s, _, now) => Runs.Proof(s, FencingProofKind.LeaseLapsed, "lease clock", null, now), NoClaimYet, LeaseLapsed);
        Proven<Attest>(t, Fencing, "two people attest that the old owner is off", Attested, ThisRun, NoClaimYet, NoLease, Stated, SecondPerson);
        t.In(Fencing).On<Attest>("one person attests").When(ThisRun, NoClaimYet, NoLease, Stated, OnePerson).Set(Runs.Attested)
            .Do(SecondPersonNeeded).KeepDeadline().Stay();

        // What it costs is weighed once more, now that nothing can be added: it is stored before anything is promoted.
        t.In(Fencing).On<TakeoverAssessed>("its last writes are still coming").When(ThisRun, ProvenUnclaimed, StillComing).Set(Weighed).KeepDeadline().Stay();
        t.In(Fencing).On<TakeoverAssessed>("the copy has not been heard yet").When(ThisRun, ProvenUnclaimed, NotHeardYet).KeepDeadline().Stay();
        t.In(Fencing).On<TakeoverAssessed>("the loss is known and accepted").When(ThisRun, ProvenUnclaimed, MayClaim).Set(Weighed).Set((s, _, _) => Runs.Claim(s)).Do(Claim).Stay();
        t.In(Fencing).On<TakeoverAssessed>("the loss is known and nobody has accepted it").When(ThisRun, ProvenUnclaimed, MayNotClaim).Set(Weighed)
            .Set(Runs.StopFor("The old owner is fenced, but what would be lost, or the copy, is not what was agreed to.")).Do(AskAfterProof).GoTo(NeedsOperator);
        t.In(Fencing).On<TimePassed>("the last look is late").When(BudgetSpent, ProvenUnclaimed).Do(Assess, Alert(AlertKey.StepLate, true, "What a takeover would lose is not known yet.")).Stay();
        t.In(Fencing).On<Abort>("given up before ownership moved").When(ThisRun, NoClaimYet).Set(Runs.Reinstate).Do(Claim).Stay();
        t.In(Fencing).On<TimePassed>("the claim is unanswered").When(BudgetSpent, ClaimUnanswered).Do(Claim, Alert(AlertKey.StepLate, true, "The ledger does not answer.")).Stay();
        t.In(Fencing).On<TimePassed>("the lease still runs").When(BudgetSpent, LeaseRunning).Do(Alert(AlertKey.StepLate, false, "Waiting for the old owner's lease.")).Stay();
        Proven<TimePassed>(t, Fencing, "no answer, and two people attest that it is off", Attested, BudgetSpent, NoClaimYet, NoLease, AttestedByTwo);
        Proven<StepFailed>(t, Fencing, "not stopped, and two people attest that it is off", Attested, PendingStep, ThisAttempt, NoClaimYet, NoLease, NotFenced, AttestedByTwo);
        t.In(Fencing).On<TimePassed>("no proof can be had").When(BudgetSpent, NoLease).Set(Runs.StopFor("Nothing proves that the old owner cannot write."))
            .Do(Alert(AlertKey.FencingUnproven, true, "Stop the old owner by hand and attest it, or abort.")).GoTo(NeedsOperator);

        // A refusal is no proof; the lease clock or another answer still may be.
        t.In(Fencing).On<StepFailed>("the old owner did not stop").When(PendingStep, ThisAttempt, NoClaimYet, LeaseRunning).KeepDeadline().Stay();
        t.In(Fencing).On<StepFailed>("the old owner has seen a higher epoch").When(PendingStep, ThisAttempt, NoClaimYet, NoLease, Fenced).Set(Runs.StopFor("Fenced by a higher epoch."))
            .Do(Alert(AlertKey.OwnershipMoved, true, "A device has seen a higher epoch than the ledger gave out.")).GoTo(NeedsOperator);
        t.In(Fencing).On<StepFailed>("stop it again").When(PendingStep, ThisAttempt, NoClaimYet, NoLease, NotFenced, AttemptsLeft).Set(Runs.Again).Do(Resend).KeepDeadline().Stay();
        t.In(Fencing).On<StepFailed>("the old owner cannot be stopped").When(PendingStep, ThisAttempt, NoClaimYet, NoLease, NotFenced, NoAttemptsLeft).Set(Runs.StopFor("The old owner did not stop."))
            .Do(Alert(AlertKey.FencingUnproven, true, "Stop the old owner by hand and attest it, or abort.")).GoTo(NeedsOperator);
    }

    private static void TakingOverRows(TableBuilder t)
    {
        t.In(Fencing).On<OwnershipClaimed>("ours: promote").When(ClaimedAsAsked, HasVolume).Set(Runs.Claimed).Step(StepKind.PromoteCopy).GoTo(Promoting);
        t.In(Fencing).On<OwnershipClaimed>("ours: start").When(ClaimedAsAsked, NoVolume, MustBeStarted).Set(Runs.Claimed).Step(StepKind.StartSystem).GoTo(Starting);
        t.In(Fencing).On<OwnershipClaimed>("ours: it runs there already").When(ClaimedAsAsked, NoVolume, RunsThere).Set(Runs.Claimed).Step(StepKind.ApplyNetwork).GoTo(Repointing);

        t.In(Promoting).On<StepDone>("promoted, and it runs there already").When(PendingStep, RunsThere).Step(StepKind.ApplyNetwork).GoTo(Repointing);
        t.In(Promoting).On<StepDone>("promoted").When(PendingStep, MustBeStarted).Step(StepKind.StartSystem).GoTo(Starting);
        t.In(Starting).On<StepDone>("started").When(PendingStep).Step(StepKind.ApplyNetwork).GoTo(Repointing);
        t.In(Repointing).On<StepDone>("users are pointed at it").When(PendingStep, SiteChanges).Do(TakeOldNetworkAway).Step(StepKind.CheckSystem).GoTo(Verifying);
        t.In(Repointing).On<StepDone>("users are pointed at it again").When(PendingStep, SiteStays).Step(StepKind.CheckSystem).GoTo(Verifying);
        t.In(Verifying).On<StepDone>("it serves").When(PendingStep, IsFailover).Set((s, _, _) => Runs.Edit(s, r => r with { Pending = null }))
            .Do(Alert(AlertKey.TakenOver, false, "Taken over; on trial until somebody commits.")).GoTo(OnTrial);
        t.In(Verifying).On<StepDone>("it serves at home again").When(PendingStep, IsNotFailover, OwnerIsHome).Set((s, _, _) => Runs.Finish(s, null)).Do(Copy).GoTo(Seeding);
        t.In(Verifying).On<StepDone>("it serves at the other site again").When(PendingStep, IsNotFailover, OwnerIsAway).Set((s, _, _) => Runs.Finish(s, null)).Do(Copy).GoTo(Reversing);

        Attempts(t, AfterClaim);
    }

    private static void TrialRows(TableBuilder t)
    {
        t.In(OnTrial).On<Commit>("committed").When(ThisRun, OwnerIsAway).Set((s, _, _) => Runs.Finish(s, null)).GoTo(FailedOver);
        t.In(OnTrial).On<Commit>("committed at home").When(ThisRun, OwnerIsHome).Set((s, _, _) => Runs.Finish(s, null)).GoTo(Unprotected);
        t.In(OnTrial).On<TimePassed>("the trial is over").When(BudgetSpent, OwnerIsAway).Set((s, _, _) => Runs.Finish(s, null)).GoTo(FailedOver);
        t.In(OnTrial).On<TimePassed>("the trial at home is over").When(BudgetSpent, OwnerIsHome).Set((s, _, _) => Runs.Finish(s, null)).GoTo(Unprotected);
        Fence<RollBack>(t, [OnTrial], "back to the old copy", StartRollBack, FreshRunId);
        t.In(OnTrial).On<Suspected>("silent on trial").Do(ProbeOwner).KeepDeadline().Stay();
        t.In(OnTrial).On<Classified>("the new owner is lost").When(OwnerLost).Set(Runs.StopFor("The new owner was lost on trial; a taken-over system never bounces back by itself."))
            .Do(Alert(AlertKey.NoCopyToTakeOver, true, "The new owner was lost on trial.")).GoTo(NeedsOperator);
    }

    /// <summary>The one way into fencing: no more leases, and the losing side told to stop without anybody waiting for it alone.</summary>
    private static void Fence<TEvent>(TableBuilder t, Phase[] from, string name, Update begin, params Guard[] guards)
        where TEvent : SystemEvent
    {
        t.In(from).On<TEvent>(name).When(guards).When(HasVolume, NoFenceDevice).Set(begin).Do(StopLeases, StopOldOwner).Step(StepKind.DemoteCopy).GoTo(Fencing);
        t.In(from).On<TEvent>(name).When(guards).When(HasVolume, HasFenceDevice).Set(begin).Do(StopLeases, StopOldOwner, FenceOldOwner).Step(StepKind.DemoteCopy).GoTo(Fencing);
        t.In(from).On<TEvent>(name).When(guards).When(NoVolume).Set(begin)
            .Set((s, e, now) => Runs.Prove(s, FencingProofKind.NothingToFence, "policy", null, now)).Do(StopOldOwner, Claim).GoTo(Fencing);
    }

    /// <summary>The old owner cannot write any more. A failover weighs once more what is lost; a person's roll-back has accepted it.</summary>
    private static void Proven<TEvent>(TableBuilder t, Phase from, string name, Func<SystemState, SystemEvent, DateTimeOffset, FencingProof> proof, params Guard[] guards)
        where TEvent : SystemEvent
    {
        Update attested = typeof(TEvent) == typeof(Attest) ? Runs.Attested : (s, _, _) => s;
        t.In(from).On<TEvent>(name).When(guards).When(IsFailover).Set(attested).Set((s, e, now) => Runs.Proven(s, proof(s, e, now))).Do(Assess).GoTo(Fencing);
        t.In(from).On<TEvent>(name).When(guards).When(IsNotFailover).Set(attested).Set((s, e, now) => Runs.Claim(Runs.Proven(s, proof(s, e, now)))).Do(Claim).GoTo(Fencing);
    }

    private static FencingProof Attested(SystemState state, SystemEvent evt, DateTimeOffset now) =>
        Runs.Proof(state, FencingProofKind.Attested, state.Run!.Attestation!.ToString(), null, now);

    private static SystemState Weighed(SystemState state, SystemEvent evt, DateTimeOffset now) =>
        Runs.Edit(state, run => run with { Assessment = ((TakeoverAssessed)evt).Assessment });

    /// <summary>What every step has in common: failing, being late, running out of attempts. After the claim nothing bounces back: a person is asked.</summary>
    private static void Attempts(TableBuilder t, Phase[] phases)
    {
        t.In(phases).On<StepFailed>("fenced").When(PendingStep, ThisAttempt, Fenced).Set(Runs.StopFor("Fenced by a higher epoch."))
            .Do(Alert(AlertKey.OwnershipMoved, true, "A device has seen a higher epoch than this run's.")).GoTo(NeedsOperator);
        t.In(phases).On<StepFailed>("try again").When(PendingStep, ThisAttempt, NotFenced, AttemptsLeft).Set(Runs.Again).Do(Resend).Stay();
        t.In(phases).On<StepFailed>("no attempt left").When(PendingStep, ThisAttempt, NotFenced, NoAttemptsLeft).Set(Runs.StopFor("A step failed for good."))
            .Do(Alert(AlertKey.StepFailed, true, "A step failed for good.")).GoTo(NeedsOperator);
        t.In(phases).On<TimePassed>("no answer: ask again").When(BudgetSpent, StepUnderWay, AttemptsLeft).Set(Runs.Again).Do(Resend, Alert(AlertKey.StepLate, false, "A step is late.")).Stay();
        t.In(phases).On<TimePassed>("no answer at all").When(BudgetSpent, StepUnderWay, NoAttemptsLeft).Set(Runs.StopFor("A step gave no answer."))
            .Do(Alert(AlertKey.StepFailed, true, "A step gave no answer.")).GoTo(NeedsOperator);
    }

    private static SystemState Ordered(SystemState state, RunPurpose kind, SystemEvent.Order order, RunId id, string? reason, DateTimeOffset now)
    {
        var started = Runs.Start(state, kind, id, order.By, automatic: false, reason, now);
        return Runs.Edit(started, run => run with { ApprovedBy = order.By });
    }

    private static SystemState Forced(SystemState state, SystemEvent evt, DateTimeOffset now)
    {
        var order = (StartForce)evt;
        var started = Runs.Start(state, RunPurpose.Failover, order.Run, order.By, automatic: false, order.Reason, now);
        return Runs.Edit(started, run => run with { Attestation = new Attestation { First = order.By, Statement = order.Statement, At = now } });
    }

    private static SystemState StartRollBack(SystemState state, SystemEvent evt, DateTimeOffset now)
    {
        var order = (RollBack)evt;
        return Runs.BeginFencing(Ordered(Runs.Finish(state, null), RunPurpose.RollBack, order, order.Run, order.Reason, now), evt, now);
    }

    private static DateTimeOffset? Earlier(DateTimeOffset? left, DateTimeOffset right) => left is { } l && l < right ? l : right;
}
