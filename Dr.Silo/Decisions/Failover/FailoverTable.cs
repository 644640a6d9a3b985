using Dr.Contracts.Grains;
using Dr.Silo.Decisions.Detection;
using static Dr.Contracts.Grains.Phase;
using static Dr.Silo.Decisions.Failover.EffectRules;
using static Dr.Silo.Decisions.Failover.Guards;
using static Dr.Silo.Decisions.Failover.SystemEvent;

namespace Dr.Silo.Decisions.Failover;

/// <summary>
/// The table: the only source of what the control plane does. For one phase and event the first row whose guards all hold applies; none = the event is
/// ignored. <c>failover-machine.md</c> is generated from it.
/// </summary>
public static partial class FailoverTable
{
    private static readonly Phase[] Ready = [Protected, FailbackReady];
    private static readonly Phase[] WithoutCopy = [Unprotected, Seeding, FailedOver, Reversing];
    private static readonly Phase[] Drilling = [DrillCloning, DrillStarting, DrillVerifying, DrillCleaning];
    private static readonly Phase[] AfterClaim = [Promoting, Starting, Repointing, Verifying];

    private static readonly Phase[] AtRest = [.. Ready, .. WithoutCopy, Diverged];

    public static IReadOnlyList<TableRow> Rows { get; } = Build();

    private static IReadOnlyList<TableRow> Build()
    {
        var table = new TableBuilder();
        LedgerRows(table);
        LeaseRows(table);
        ProtectionRows(table);
        DetectionRows(table);
        DecidingRows(table);
        FencingRows(table);
        TakingOverRows(table);
        TrialRows(table);
        MovingRows(table);
        DrillsRows(table);
        HoldingRows(table);
        HelpingRows(table);
        return table.Rows;
    }

    /// <summary>A record that moved without us beats everything else we believe.</summary>
    private static void LedgerRows(TableBuilder t)
    {
        var all = Enum.GetValues<Phase>().Except([NeedsOperator]).ToArray();
        t.In(all).On<OwnershipMoved>("the ledger moved without us").When(HigherEpoch, NotOurClaim)
            .Set((s, e, _) => s with { Disputed = ((OwnershipMoved)e).Actual, ReturnTo = s.ReturnTo ?? s.Phase })
            .Set(Runs.StopFor("The ownership record is not what this run believes."))
            .Do(Alert(AlertKey.OwnershipMoved, true, "The ownership record moved without this run: compare both views.")).GoTo(NeedsOperator);
    }

    /// <summary>What the owner's store does decides what the lapse of a lease proves, whatever is configured here.</summary>
    private static void LeaseRows(TableBuilder t)
    {
        t.In(Enum.GetValues<Phase>()).On<LeaseHeard>("the owner writes under a lease").When(AsksForLease).Set((s, e, _) => s with { LeaseAsked = ((LeaseHeard)e).Epoch }).KeepDeadline().Stay();
        t.In(Enum.GetValues<Phase>()).On<LeaseHeard>("the owner writes without a lease").When(AsksForNone).Set((s, _, _) => s with { LeaseAsked = Epoch.None }).KeepDeadline().Stay();
    }

    private static void ProtectionRows(TableBuilder t)
    {
        t.In(Unprotected).On<CopyConfigured>("begin the first copy").Do(Copy).GoTo(Seeding);
        t.In(Unprotected, Seeding, Diverged).On<CopyCurrent>("the copy is complete").When(CopyIsOfThisEpoch, OwnerIsHome).Set(Because(null)).GoTo(Protected);
        t.In(Unprotected, Seeding, Diverged, FailedOver, Reversing).On<CopyCurrent>("the copy at home is complete").When(CopyIsOfThisEpoch, OwnerIsAway).Set(Because(null)).GoTo(FailbackReady);
        t.In(Protected).On<CopyLost>("the copy has to start anew").Set(Because("The copy has to start anew."))
            .Do(Copy, Alert(AlertKey.CopyTrouble, false, "The copy has to start anew.")).GoTo(Seeding);
        t.In(FailbackReady).On<CopyLost>("the copy at home has to start anew").Set(Because("The copy has to start anew."))
            .Do(Copy, Alert(AlertKey.CopyTrouble, false, "The copy at home has to start anew.")).GoTo(Reversing);
        t.In(Seeding).On<CopyLost>("the first copy failed").Do(Alert(AlertKey.Unprotected, false, "The first copy failed.")).GoTo(Unprotected);
        t.In(Reversing).On<CopyLost>("the way back failed").Do(Alert(AlertKey.CopyTrouble, false, "The copy back to the home site failed.")).GoTo(FailedOver);
        t.In(FailedOver).On<PeerReturned>("send the differences back").Do(Copy).GoTo(Reversing);
        t.In(Unprotected).On<PeerReturned>("the other site is there again").Do(Copy).GoTo(Seeding);
        t.In([.. WithoutCopy, .. Ready]).On<CopyDiverged>("both copies went on").Set((s, e, _) => s with { Reason = ((CopyDiverged)e).Detail })
            .Do(Alert(AlertKey.Diverged, true, "Both copies went on from a shared position.")).GoTo(Diverged);
        t.In(Diverged).On<ResolveDivergence>("the copy gives way").When(OwnerIsHome).Do(Copy).GoTo(Seeding);
        t.In(Diverged).On<ResolveDivergence>("the copy at home gives way").When(OwnerIsAway).Do(Copy).GoTo(Reversing);

        t.In(Unprotected).On<TimePassed>("still unprotected").When(BudgetSpent).Do(Alert(AlertKey.Unprotected, true, "No complete copy exists.")).Stay();
        t.In(Seeding, Reversing).On<TimePassed>("the copy takes too long").When(BudgetSpent).Do(Copy, Alert(AlertKey.CopyTrouble, false, "The copy takes longer than its budget.")).Stay();
        t.In(FailedOver).On<TimePassed>("still without protection").When(BudgetSpent).Do(Alert(AlertKey.Unprotected, true, "The new site serves and nothing protects it.")).Stay();
        t.In(Diverged).On<TimePassed>("still diverged").When(BudgetSpent).Do(Alert(AlertKey.Diverged, true, "Nobody has settled the divergence.")).Stay();
        t.In(Ready).On<TimePassed>("another ten years").When(BudgetSpent).Stay();
    }

    private static void DetectionRows(TableBuilder t)
    {
        t.In(Ready).On<Suspected>("the owner is silent").Set(ComeBackHere).Set((s, e, _) => s with { Reason = ((Suspected)e).Detail }).Do(ProbeOwner).GoTo(Suspect);
        t.In([.. Ready, .. WithoutCopy, OnTrial]).On<Classified>("the application fails").When(ApplicationFails).Do(RepairLocally).KeepDeadline().Stay();
        t.In([.. Ready, .. WithoutCopy, OnTrial]).On<Classified>("a line fails").When(LineFails).Do(Alert(AlertKey.LineTrouble, false, "A line fails; the system itself serves.")).KeepDeadline().Stay();
        t.In(Ready).On<Classified>("a host is lost, the site has another").When(SiteCanHelpItself).Do(RepairLocally).KeepDeadline().Stay();
        t.In(Ready).On<Classified>("the owner is lost").When(OwnerLost).Set(ComeBackHere).Set(BeginDeciding).Do(Assess).GoTo(Deciding);
        t.In(Ready).On<Classified>("users are cut off").When(AccessLost).Set(ComeBackHere).Set(BeginDeciding).Do(Assess).GoTo(Deciding);
        t.In(Ready).On<LocalRepairExhausted>("the site cannot help itself").Set(ComeBackHere).Set(BeginDeciding).Do(Assess).GoTo(Deciding);

        t.In([.. WithoutCopy, Diverged]).On<Suspected>("silent while unprotected").Do(ProbeOwner).KeepDeadline().Stay();
        t.In([.. WithoutCopy, Diverged]).On<Classified>("lost while unprotected").When(OwnerLost).Set(ComeBackHere).Set(Because("The owner is lost and no complete copy exists."))
            .Do(Alert(AlertKey.NoCopyToTakeOver, true, "The owner is lost and no complete copy exists.")).GoTo(NeedsOperator);

        t.In(Suspect).On<OwnerServes>("it was heard again").Set(Because(null)).GoToOneOf(Back, Ready);
        t.In(Suspect).On<Classified>("nothing has failed").When(NothingFails).Set(Because(null)).GoToOneOf(Back, Ready);
        t.In(Suspect).On<Classified>("nobody could look").When(NotJudged).Set(Because(null)).GoToOneOf(Back, Ready);
        t.In(Suspect).On<Classified>("the application fails").When(ApplicationFails).Do(RepairLocally).GoToOneOf(Back, Ready);
        t.In(Suspect).On<Classified>("a line fails").When(LineFails).Do(Alert(AlertKey.LineTrouble, false, "A line fails; the system itself serves.")).GoToOneOf(Back, Ready);
        t.In(Suspect).On<Classified>("a host is lost, the site has another").When(SiteCanHelpItself).Do(RepairLocally).GoToOneOf(Back, Ready);
        t.In(Suspect).On<Classified>("the owner is lost").When(OwnerLost).Set(BeginDeciding).Do(Assess).GoTo(Deciding);
        t.In(Suspect).On<Classified>("users are cut off").When(AccessLost).Set(BeginDeciding).Do(Assess).GoTo(Deciding);
        t.In(Suspect).On<Classified>("the evidence is not enough").When(Unclear).Set(BeginDeciding).Do(Assess).GoTo(Deciding);
        t.In(Suspect).On<LocalRepairExhausted>("the site cannot help itself").Set(BeginDeciding).Do(Assess).GoTo(Deciding);
        t.In(Suspect).On<TimePassed>("no finding in time").When(BudgetSpent).Set(BeginDeciding).Do(Assess).GoTo(Deciding);
    }

    private static Phase Back(SystemState state) => state.ReturnTo ?? (state.OwnerIsHome ? Unprotected : FailedOver);

    private static SystemState ComeBackHere(SystemState state, SystemEvent evt, DateTimeOffset now) => state with { ReturnTo = state.Phase };

    private static Update Because(string? reason) => (state, _, _) => state with { Reason = reason };

    private static SystemState BeginDeciding(SystemState state, SystemEvent evt, DateTimeOffset now)
    {
        var verdict = evt switch
        {
            Classified c => c.Verdict,
            LocalRepairExhausted x => new Verdict { Scope = FaultScope.Application, Evidence = EvidenceKinds.OwnReport | EvidenceKinds.LocalRepairExhausted, Reasons = [x.Detail], At = now },
            _ => new Verdict { Scope = FaultScope.Unclear, Evidence = EvidenceKinds.MissedBeats, Reasons = ["Probes and witnesses gave no finding in time."], At = now },
        };
        return Runs.StartAutomatic(state, verdict, evt.Actor, now);
    }
}
