using Dr.Contracts.Grains;
using static Dr.Contracts.Grains.Phase;
using static Dr.Silo.Decisions.Failover.EffectRules;
using static Dr.Silo.Decisions.Failover.Guards;
using static Dr.Silo.Decisions.Failover.SystemEvent;

namespace Dr.Silo.Decisions.Failover;

/// <summary>Moves (and so the way home), drills, holds, and what a person can do when a run waits for help.</summary>
public static partial class FailoverTable
{
    private static void MovingRows(TableBuilder t)
    {
        t.In(Ready).On<StartMove>("a person orders a move").When(NewRun).Set(ComeBackHere)
            .Set((s, e, now) => Ordered(s, RunPurpose.Move, (StartMove)e, ((StartMove)e).Run, null, now)).Step(StepKind.StopSystem).GoTo(Draining);

        t.In(Draining).On<StepDone>("stopped: shut the gate").When(PendingStep, IsStep(StepKind.StopSystem), HasVolume)
            .Set((s, _, _) => Runs.Edit(s, r => r with { LeasesStopped = true })).Do(StopLeases).Step(StepKind.DemoteCopy).Stay();
        t.In(Draining).On<StepDone>("stopped, nothing to copy").When(PendingStep, IsStep(StepKind.StopSystem), NoVolume)
            .Set((s, e, now) => Runs.Prove(s, FencingProofKind.OwnerStopped, e.Actor, null, now)).Do(Claim).GoTo(FinalSync);
        t.In(Draining).On<StepDone>("no more writes, proven at the store").When(PendingStep, IsStep(StepKind.DemoteCopy))
            .Set((s, e, _) => Runs.Edit(s, r => r with { Final = ((StepDone)e).Evidence })).Step(StepKind.SyncCopy).GoTo(FinalSync);

        t.In(FinalSync).On<StepDone>("the destination has everything: compare").When(PendingStep, IsStep(StepKind.SyncCopy)).Step(StepKind.DigestCopy).Stay();
        t.In(FinalSync).On<StepDone>("equal on both sides").When(PendingStep, IsStep(StepKind.DigestCopy), DigestsEqual, NoClaimYet)
            .Set((s, e, now) => Runs.Prove(s, FencingProofKind.OwnerStopped, s.Run!.From.Value, s.Run.Final!.Sequence, now)).Do(Claim).Stay();
        t.In(FinalSync).On<StepDone>("not equal").When(PendingStep, IsStep(StepKind.DigestCopy), DigestsDiffer).Set(Runs.StopFor("The final point differs between the sites."))
            .Do(Alert(AlertKey.DigestMismatch, true, "The final point differs between the sites; nothing was switched.")).GoTo(NeedsOperator);
        t.In(FinalSync).On<TimePassed>("the claim is unanswered").When(BudgetSpent, ClaimUnanswered).Do(Claim, Alert(AlertKey.StepLate, true, "The ledger does not answer.")).Stay();
        t.In(Draining, FinalSync).On<Abort>("the owner serves again").When(ThisRun, NoClaimYet).Set(Runs.Reinstate).Do(Claim).GoTo(Fencing);
        Attempts(t, [Draining, FinalSync]);

        t.In(FinalSync).On<OwnershipClaimed>("moved: promote").When(ClaimedAsAsked, HasVolume).Set(Runs.Claimed).Step(StepKind.PromoteCopy).GoTo(SwitchingBack);
        t.In(FinalSync).On<OwnershipClaimed>("moved: start").When(ClaimedAsAsked, NoVolume, MustBeStarted).Set(Runs.Claimed).Step(StepKind.StartSystem).GoTo(SwitchingBack);
        t.In(FinalSync).On<OwnershipClaimed>("moved: it runs there already").When(ClaimedAsAsked, NoVolume, RunsThere).Set(Runs.Claimed).Step(StepKind.ApplyNetwork).GoTo(SwitchingBack);
        t.In(SwitchingBack).On<StepDone>("promoted").When(PendingStep, IsStep(StepKind.PromoteCopy)).Step(StepKind.StartSystem).Stay();
        t.In(SwitchingBack).On<StepDone>("started").When(PendingStep, IsStep(StepKind.StartSystem)).Step(StepKind.ApplyNetwork).Stay();
        t.In(SwitchingBack).On<StepDone>("users are pointed at it").When(PendingStep, IsStep(StepKind.ApplyNetwork)).Do(TakeOldNetworkAway).Step(StepKind.CheckSystem).Stay();
        t.In(SwitchingBack).On<StepDone>("it serves: copy the other way").When(PendingStep, IsStep(StepKind.CheckSystem)).Set((s, _, _) => Runs.Edit(s, r => r with { Pending = null })).Do(Copy).Stay();
        t.In(SwitchingBack).On<CopyCurrent>("home and protected").When(ServesAfterMove, CopyIsOfThisEpoch, OwnerIsHome).Set((s, _, _) => Runs.Finish(s, null)).GoTo(Protected);
        t.In(SwitchingBack).On<CopyCurrent>("moved and protected").When(ServesAfterMove, CopyIsOfThisEpoch, OwnerIsAway).Set((s, _, _) => Runs.Finish(s, null)).GoTo(FailbackReady);
        t.In(SwitchingBack).On<TimePassed>("serves at home, the copy takes longer").When(BudgetSpent, ServesAfterMove, OwnerIsHome).Set((s, _, _) => Runs.Finish(s, null)).Do(Copy).GoTo(Seeding);
        t.In(SwitchingBack).On<TimePassed>("serves at the other site, the copy takes longer").When(BudgetSpent, ServesAfterMove, OwnerIsAway).Set((s, _, _) => Runs.Finish(s, null)).Do(Copy).GoTo(Reversing);
        t.In(SwitchingBack).On<CopyDiverged>("both copies went on").When(ServesAfterMove).Set((s, e, _) => Runs.Finish(s, ((CopyDiverged)e).Detail))
            .Do(Alert(AlertKey.Diverged, true, "Both copies went on from a shared position.")).GoTo(Diverged);
        Attempts(t, [SwitchingBack]);
    }

    private static void DrillsRows(TableBuilder t)
    {
        t.In(Ready).On<StartDrill>("a drill begins").When(NewRun).Set(ComeBackHere)
            .Set((s, e, now) => Ordered(s, RunPurpose.Drill, (StartDrill)e, ((StartDrill)e).Run, null, now)).Step(StepKind.CloneForDrill).GoTo(DrillCloning);
        t.In(DrillCloning).On<StepDone>("cloned").When(PendingStep).Step(StepKind.StartDrill).GoTo(DrillStarting);
        t.In(DrillStarting).On<StepDone>("started apart").When(PendingStep).Step(StepKind.CheckDrill).GoTo(DrillVerifying);
        t.In(DrillVerifying).On<StepDone>("checked").When(PendingStep).Step(StepKind.CleanDrill).GoTo(DrillCleaning);
        t.In(DrillCleaning).On<StepDone>("cleaned up, all well").When(PendingStep, DrillWentWell).Set((s, _, _) => Runs.Finish(s, null)).GoToOneOf(Back, Ready);
        t.In(DrillCleaning).On<StepDone>("cleaned up after a failed drill").When(PendingStep, DrillWentBadly).Set((s, _, _) => Runs.Finish(s, s.Run!.DrillFailure))
            .Do(Alert(AlertKey.DrillFailed, true, "The last drill failed.")).GoToOneOf(Back, Ready);
        t.In(DrillCloning, DrillStarting, DrillVerifying).On<StepFailed>("the drill failed").When(PendingStep, ThisAttempt)
            .Set((s, e, _) => Runs.Edit(s, r => r with { DrillFailure = ((StepFailed)e).Reason })).Step(StepKind.CleanDrill).GoTo(DrillCleaning);
        t.In(DrillCloning, DrillStarting, DrillVerifying).On<TimePassed>("the drill takes too long").When(BudgetSpent)
            .Set((s, _, _) => Runs.Edit(s, r => r with { DrillFailure = $"{s.Phase} went over its budget." })).Step(StepKind.CleanDrill).GoTo(DrillCleaning);
        t.In(DrillCloning, DrillStarting, DrillVerifying).On<Abort>("the drill is called off").When(ThisRun)
            .Set((s, _, _) => Runs.Edit(s, r => r with { DrillFailure = "Called off." })).Step(StepKind.CleanDrill).GoTo(DrillCleaning);
        t.In(DrillCleaning).On<StepFailed>("clean up again").When(PendingStep, ThisAttempt, AttemptsLeft).Set(Runs.Again).Do(Resend).Stay();
        t.In(DrillCleaning).On<StepFailed>("not cleaned up").When(PendingStep, ThisAttempt, NoAttemptsLeft).Set((s, _, _) => Runs.Finish(s, "A drill was not cleaned up."))
            .Do(Alert(AlertKey.DrillFailed, true, "A drill was not cleaned up.")).GoToOneOf(Back, Ready);
        t.In(DrillCleaning).On<TimePassed>("clean up again, no answer").When(BudgetSpent, AttemptsLeft).Set(Runs.Again).Do(Resend, Alert(AlertKey.StepLate, false, "Cleaning up after a drill is late.")).Stay();
        t.In(DrillCleaning).On<TimePassed>("not cleaned up, no answer").When(BudgetSpent, NoAttemptsLeft).Set((s, _, _) => Runs.Finish(s, "A drill was not cleaned up."))
            .Do(Alert(AlertKey.DrillFailed, true, "A drill was not cleaned up.")).GoToOneOf(Back, Ready);

        // A real fault goes first; the drill is swept up aside.
        t.In(Drilling).On<Suspected>("a real fault ends the drill").Set((s, e, _) => Runs.Finish(s, ((Suspected)e).Detail)).Do(CleanDrillAside, ProbeOwner).GoTo(Suspect);
        t.In(Drilling).On<LocalRepairExhausted>("a real fault ends the drill").Set((s, _, _) => Runs.Finish(s, null)).Set(BeginDeciding).Do(Assess).GoTo(Deciding);
        t.In(Drilling).On<CopyLost>("the copy is gone").When(OwnerIsHome).Set((s, e, _) => Runs.Finish(s, ((CopyLost)e).Reason)).Do(CleanDrillAside, Copy).GoTo(Seeding);
        t.In(Drilling).On<CopyLost>("the copy at home is gone").When(OwnerIsAway).Set((s, e, _) => Runs.Finish(s, ((CopyLost)e).Reason)).Do(CleanDrillAside, Copy).GoTo(Reversing);
    }

    private static void HoldingRows(TableBuilder t)
    {
        t.In([.. Ready, FailedOver, Reversing]).On<Hold>("automation is held").When(EndsLater).Set(ComeBackHere).Set(HoldFor).GoTo(Held);
        t.In(Suspect).On<Hold>("automation is held").When(EndsLater).Set(HoldFor).GoTo(Held);
        t.In(Held).On<Hold>("held longer").When(EndsLater).Set(HoldFor).Stay();
        t.In(Held).On<Release>("released").Set(Because(null)).GoToOneOf(Back, AtRest);
        t.In(Held).On<TimePassed>("the hold is over").When(BudgetSpent).Set(Because(null))
            .Do(Alert(AlertKey.Held, false, "A hold has ended; automation is on again.")).GoToOneOf(Back, AtRest);
        t.In(Held).On<CopyLost>("the copy is gone while held").When(OwnerIsHome).Set((s, _, _) => s with { ReturnTo = Unprotected }).Do(Alert(AlertKey.Unprotected, false, "The copy is gone while automation is held.")).KeepDeadline().Stay();
        t.In(Held).On<CopyLost>("the copy at home is gone while held").When(OwnerIsAway).Set((s, _, _) => s with { ReturnTo = FailedOver }).Do(Alert(AlertKey.Unprotected, false, "The copy is gone while automation is held.")).KeepDeadline().Stay();
    }

    private static void HelpingRows(TableBuilder t)
    {
        Phase[] steps = [Fencing, .. AfterClaim, Draining, FinalSync, SwitchingBack];
        t.In(NeedsOperator).On<Retry>("try again").When(ThisRun, StoppedInStep).Set(Runs.Again).Do(Resend)
            .GoToOneOf(s => s.Run?.StoppedIn ?? Fencing, steps);
        Proven<Attest>(t, NeedsOperator, "two people attest that the old owner is off", Attested, ThisRun, StoppedUnproven, NoClaimYet, Stated, SecondPerson);
        t.In(NeedsOperator).On<Attest>("one person attests that the old owner is off").When(ThisRun, StoppedUnproven, NoClaimYet, Stated, OnePerson).Set(Runs.Attested)
            .Do(SecondPersonNeeded).KeepDeadline().Stay();
        Proven<FencingProven>(t, NeedsOperator, "proven at last", (_, e, _) => ((FencingProven)e).Proof, ThisRun, StoppedUnproven, NoClaimYet, ProofFits);
        Proven<StepDone>(t, NeedsOperator, "the old owner is switched off at last", (s, _, now) => Runs.Proof(s, FencingProofKind.FenceDevice, $"fence device at {s.Run!.To}", null, now), FenceAnswers, StoppedUnproven, NoClaimYet);
        t.In(NeedsOperator).On<Approve>("a person accepts what is lost").When(ThisRun, ProvenUnclaimed, NotDisputed)
            .Set((s, e, _) => Runs.Edit(s, r => r with { ApprovedBy = ((Approve)e).By, AcceptedLoss = ((Approve)e).AcceptLoss ?? r.AcceptedLoss, StoppedIn = null, Trouble = null })).Do(Assess).GoTo(Fencing);
        t.In(NeedsOperator).On<Abort>("given up before ownership moved").When(ThisRun, NoClaimYet, NotDisputed).Set(Runs.Reinstate).Do(Claim).GoTo(Fencing);
        Fence<RollBack>(t, [NeedsOperator], "back to the old copy", StartRollBack, FreshRunId, RunPastClaim, NotDisputed);
        t.In(NeedsOperator).On<StartFailover>("a person orders a failover").When(NewRun, NotDisputed)
            .Set((s, e, now) => Ordered(s, RunPurpose.Failover, (StartFailover)e, ((StartFailover)e).Run, ((StartFailover)e).Reason, now)).Do(Assess).GoTo(Deciding);
        t.In(NeedsOperator).On<StartForce>("the first of two people takes over by force").When(NewRun, NotDisputed, Stated).Set(Forced).Do(Assess, SecondPersonNeeded).GoTo(Deciding);
        t.In(NeedsOperator).On<OwnerServes>("it serves again by itself").When(NoRun, NotDisputed).Set(Because(null)).GoToOneOf(Back, AtRest);
        t.In(NeedsOperator).On<OwnerServes>("the new owner is heard again").When(StoppedOnTrial, NotDisputed)
            .Set((s, _, _) => Runs.Edit(s, r => r with { StoppedIn = null, Trouble = null })).GoTo(OnTrial);
        t.In(NeedsOperator).On<OwnershipMoved>("the ledger moved further").When(HigherEpoch, NotOurClaim).Set((s, e, _) => s with { Disputed = ((OwnershipMoved)e).Actual }).KeepDeadline().Stay();
        t.In(NeedsOperator).On<Accept>("believe the ledger").When(NotOlder, LedgerSaysHome).Set(BelieveLedger).Do(Copy).GoTo(Seeding);
        t.In(NeedsOperator).On<Accept>("believe the ledger: the other site").When(NotOlder, LedgerSaysAway).Set(BelieveLedger).GoTo(FailedOver);
        t.In(NeedsOperator).On<TimePassed>("still waiting for help").When(BudgetSpent).Do(Alert(AlertKey.WaitsForPerson, true, "A run waits for a person.")).Stay();
    }

    private static SystemState HoldFor(SystemState state, SystemEvent evt, DateTimeOffset now) => state with { HoldUntil = ((Hold)evt).Until, Reason = ((Hold)evt).Reason };

    private static SystemState BelieveLedger(SystemState state, SystemEvent evt, DateTimeOffset now)
    {
        var ledger = ((Accept)evt).Ledger;
        return Runs.Finish(state, null) with
        {
            Owner = ledger,
            HighestEpoch = ledger.Epoch > state.HighestEpoch ? ledger.Epoch : state.HighestEpoch,
            Disputed = null,
        };
    }
}
