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
        t.In(Deciding).On<OwnerServes>("it was heard again").When(AutomaticRun).Set((s, _, _) => Runs.Finish(s, null)).GoToOneOf(Back, Ready);
        Fence<TakeoverAssessed>(t, [Deciding], "everything asked for is there", Runs.BeginFencing, ThisRun, MayAct);
        t.In(Deciding).On<TakeoverAssessed>("a person has to decide").When(ThisRun, MayNotAct)
            .Set((s, e, _) => Runs.Edit(s, r => r with { Assessment = ((TakeoverAssessed)e).Assessment })).Do(AskPerson).KeepDeadline().Stay();
        Fence<Approve>(t, [Deciding], "a person approves", Runs.BeginFencing, ThisRun, MayAct);
        t.In(Deciding).On<Approve>("approved, but something is still missing").When(ThisRun, MayNotAct)
            .Set((s, e, _) => Runs.Edit(s, r => r with { ApprovedBy = ((Approve)e).By, AcceptedLoss = ((Approve)e).AcceptLoss ?? r.AcceptedLoss })).Do(AskPerson, Assess).KeepDeadline().Stay();
        t.In(Deciding).On<Classified>("nothing has failed after all").When(AutomaticRun, NothingFails).Set((s, _, _) => Runs.Finish(s, null)).GoToOneOf(Back, Ready);
        Fence<Classified>(t, [Deciding], "more evidence decides", Runs.BeginFencing, AutomaticRun, MayAct);
        t.In(Deciding).On<Classified>("more evidence").When(AutomaticRun, MayNotAct)
            .Set((s, e, _) => Runs.Edit(s, r => r with { Verdict = ((Classified)e).Verdict })).Do(AskPerson).KeepDeadline().Stay();
        t.In(Deciding).On<Decline>("a person declines").When(ThisRun, EndsLater)
            .Set((s, e, _) => Runs.Finish(s, "Declined.") with { HoldUntil = ((Decline)e).Until }).GoTo(Held);
        t.In(Deciding).On<Abort>("called off").When(ThisRun).Set((s, _, _) => Runs.Finish(s, "Called off.")).GoToOneOf(Back, AtRest);
        t.In(Deciding).On<TimePassed>("still waiting for a decision").When(BudgetSpent).Do(AskPerson, Assess).Stay();
    }

    private static void FencingRows(TableBuilder t)
    {
        t.In(Fencing).On<LeasesStopped>("the last lease is known").When(ThisRun, LeaseRunning).Set((s, e, now) => Runs.Edit(s, r => r with
        {
            FenceBy = Earlier(r.FenceBy, LeaseClock.FencedAt(((LeasesStopped)e).LastGrantedAt, s.Rules.LeaseTtl ?? LeaseClock.DefaultTtl, now)),
        })).KeepDeadline().Stay();
        t.In(Fencing).On<StepDone>("the old owner stopped and says where").When(PendingStep, NoClaimYet)
            .Set((s, e, now) => Runs.Prove(s, FencingProofKind.OwnerStopped, e.Actor, ((StepDone)e).Evidence.Sequence, now)).Do(Claim).Stay();
        t.In(Fencing).On<FencingProven>("proven another way").When(ThisRun, NoClaimYet, ProofFits).Set((s, e, _) => Runs.Claim(s, ((FencingProven)e).Proof)).Do(Claim).Stay();
        t.In(Fencing).On<TimePassed>("the lease has lapsed").When(NoClaimYet, LeaseLapsed)
            .Set((s, _, now) => Runs.Prove(s, FencingProofKind.LeaseLapsed, "lease clock", null, now)).Do(Claim).Stay();
        t.In(Fencing).On<TimePassed>("the claim is unanswered").When(BudgetSpent, ClaimUnanswered).Do(Claim, Alert(AlertKey.StepLate, true, "The ledger does not answer.")).Stay();
        t.In(Fencing).On<TimePassed>("the lease still runs").When(BudgetSpent, LeaseRunning).Do(Alert(AlertKey.StepLate, false, "Waiting for the old owner's lease.")).Stay();
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
        t.In(from).On<TEvent>(name).When(guards).When(HasVolume).Set(begin).Do(StopLeases, StopOldOwner).Step(StepKind.DemoteCopy).GoTo(Fencing);
        t.In(from).On<TEvent>(name).When(guards).When(NoVolume).Set(begin)
            .Set((s, e, now) => Runs.Prove(s, FencingProofKind.NothingToFence, "policy", null, now)).Do(StopOldOwner, Claim).GoTo(Fencing);
    }

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

    private static SystemState StartRollBack(SystemState state, SystemEvent evt, DateTimeOffset now)
    {
        var order = (RollBack)evt;
        return Runs.BeginFencing(Ordered(Runs.Finish(state, null), RunPurpose.RollBack, order, order.Run, order.Reason, now), evt, now);
    }

    private static DateTimeOffset? Earlier(DateTimeOffset? left, DateTimeOffset right) => left is { } l && l < right ? l : right;
}
