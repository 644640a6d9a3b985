using Dr.Contracts.Grains;
using Dr.Silo.Decisions.Detection;

namespace Dr.Silo.Decisions.Failover;

/// <summary>The conditions of the table. Each name is a sentence that may be shown to a person when it does not hold.</summary>
internal static class Guards
{
    /// <summary>A full takeover, and leaving an owner that is not lost, rest on at least this many independent kinds of evidence.</summary>
    public const int KindsForFullTakeover = 2;

    // Time
    public static readonly Guard BudgetSpent = new("the phase's time is up", (s, _, now) => s.Deadline is { } d && now >= d);
    public static readonly Guard LeaseLapsed = new("the lease has lapsed by every clock", (s, _, now) => s is { WritesUnderLease: true, Run: { Proof: null, FenceBy: { } by } } && now >= by);
    public static readonly Guard LeaseRunning = new("a lease may still be running", (s, _, now) => s is { WritesUnderLease: true, Run: { Proof: null, FenceBy: { } by } } && now < by);
    public static readonly Guard NoLease = new("the volume writes without a lease, or is not known to need one", (s, _, _) => s.Run is { Proof: null, FenceBy: var by } && (by is null || !s.WritesUnderLease));

    // Runs and steps
    public static readonly Guard NewRun = new("no other run is live and this one is new", (s, e, _) => s.Run is null && RunOf(e) is { } id && !s.FinishedRuns.Contains(id));
    public static readonly Guard FreshRunId = new("this order is new", (s, e, _) => RunOf(e) is { } id && s.Run?.Id != id && !s.FinishedRuns.Contains(id));
    public static readonly Guard ThisRun = new("it belongs to the live run", (s, e, _) => s.Run is { } run && RunOf(e) == run.Id);
    public static readonly Guard NoRun = new("no run is live", (s, _, _) => s.Run is null);
    public static readonly Guard AutomaticRun = new("the detector started this run", (s, _, _) => s.Run is { Automatic: true });
    public static readonly Guard PendingStep = new("it is the step that is awaited", (s, e, _) => s.Run?.Pending is { } key && KeyOf(e) == key);
    public static readonly Guard ThisAttempt = new("it is the attempt that is awaited", (s, e, _) => e is not SystemEvent.StepFailed f || f.Attempt == s.Run?.Attempt);
    public static readonly Guard AttemptsLeft = new("attempts are left", (s, _, _) => s.Run is { } run && run.Attempt % s.Rules.MaxAttempts != 0);
    public static readonly Guard NoAttemptsLeft = new("no attempt is left", (s, _, _) => s.Run is { } run && run.Attempt % s.Rules.MaxAttempts == 0);
    public static readonly Guard StepUnderWay = new("a step is under way", (s, _, _) => s.Run?.Pending is not null);
    public static readonly Guard NotFenced = new("the executor has not seen a higher epoch", (_, e, _) => e is SystemEvent.StepFailed { Fenced: false });
    public static readonly Guard Fenced = new("the executor has seen a higher epoch", (_, e, _) => e is SystemEvent.StepFailed { Fenced: true });

    // Fencing and ownership
    public static readonly Guard ProofFits = new("the proof is about the present owner's epoch", (s, e, _) => e is SystemEvent.FencingProven p && p.Proof.FencedEpoch >= s.Owner.Epoch);
    public static readonly Guard NoProofYet = new("nothing has proven it yet", (s, _, _) => s.Run is { Proof: null });
    public static readonly Guard ProvenUnclaimed = new("it is proven and not claimed", (s, _, _) => s.Run is { Proof: not null, ClaimSent: false, Claimed: false });
    public static readonly Guard MayClaim = new("the copy is ready and what is lost is within what was accepted", (s, e, _) => UnmetToClaim(s, e).Count == 0);
    public static readonly Guard MayNotClaim = new("the copy is not ready, or more is lost than was accepted", (s, e, now) => UnmetToClaim(s, e).Count > 0 && !NotHeardYet!.Holds(s, e, now));
    public static readonly Guard StillComing = new("the old owner stopped in order and its last writes are still on their way", (s, e, now) =>
        e is SystemEvent.TakeoverAssessed { Assessment: { PeerReady: true, Loss: var loss } }
        && s.Run?.Proof is { SaysWhatIsLast: true } proof && loss.Age != TimeSpan.Zero && now < proof.At + Budgets.CatchUp);

    public static readonly Guard NotHeardYet = new("the copy or the loss is not known, and what reports it may still be heard", (s, e, now) =>
        e is SystemEvent.TakeoverAssessed { Assessment: { } look } && (!look.PeerReady || look.Loss.Age is null)
        && s.Run?.Proof is { } proof && now < Later(proof.At, look.HearsSince) + Budgets.CatchUp && !StillComing!.Holds(s, e, now));

    public static readonly Guard HasFenceDevice = new("a fence device is there", (s, e, _) => s.Rules.FenceDevice && e is not SystemEvent.RollBack);
    public static readonly Guard NoFenceDevice = new("no fence device is there", (s, e, now) => !HasFenceDevice!.Holds(s, e, now));
    public static readonly Guard FenceAnswers = new("the fence device confirms", (s, e, _) => e is SystemEvent.StepDone { Key.Step: StepKind.FenceOwner } d && d.Key.Run == s.Run?.Id);
    public static readonly Guard NoClaimYet = new("ownership has not been claimed", (s, _, _) => s.Run is { ClaimSent: false, Claimed: false });
    public static readonly Guard ClaimUnanswered = new("the claim is unanswered", (s, _, _) => s.Run is { ClaimSent: true, Claimed: false });
    public static readonly Guard ClaimedAsAsked = new("a proof is recorded and the ledger has exactly what was claimed", (s, e, _) =>
        e is SystemEvent.OwnershipClaimed c && s.Run is { ClaimSent: true, Claimed: false, Proof: not null } run && c.Run == run.Id
        && c.Owner == new Ownership(run.Epoch, run.To) && c.Owner.Epoch > s.Owner.Epoch);

    public static readonly Guard HigherEpoch = new("the ledger holds a higher epoch than we know", (s, e, _) => EpochOf(e) is { } epoch && epoch > s.Owner.Epoch);
    public static readonly Guard NotOurClaim = new("it is not what this run claimed", (s, e, _) =>
        e is SystemEvent.OwnershipMoved m && !(s.Run is { ClaimSent: true } run && m.Actual == new Ownership(run.Epoch, run.To)));

    public static readonly Guard NotOlder = new("the ledger is not older than what we know", (s, e, _) => EpochOf(e) is { } epoch && epoch >= s.Owner.Epoch);
    public static readonly Guard AsksForLease = new("the present owner's store asks for its lease, which was not known", (s, e, _) => e is SystemEvent.LeaseHeard { Asks: true } l && l.Epoch == s.Owner.Epoch && s.LeaseAsked != l.Epoch);
    public static readonly Guard AsksForNone = new("the present owner's store asks for no lease, and was believed to", (s, e, _) => e is SystemEvent.LeaseHeard { Asks: false } l && l.Epoch == s.Owner.Epoch && (s.LeaseAsked is null || s.LeaseAsked == l.Epoch));
    public static readonly Guard CopyIsOfThisEpoch = new("the copy follows the present owner", (s, e, _) => e is SystemEvent.CopyCurrent c && c.Epoch == s.Owner.Epoch);

    // Deciding
    public static readonly Guard OwnerLost = new("the owner cannot serve where it is", (_, e, _) => e is SystemEvent.Classified { Verdict.OwnerIsLost: true });
    public static readonly Guard SiteCanHelpItself = new("one host is lost and the site has a standby", (s, e, _) => e is SystemEvent.Classified { Verdict.Scope: FaultScope.Device } && s.Rules.LocalStandby);
    public static readonly Guard AccessLost = new("users outside are cut off from a site that works", (_, e, _) => e is SystemEvent.Classified { Verdict.Scope: FaultScope.Access });

    public static readonly Guard ApplicationFails = new("the owner is reached but fails its users", (_, e, _) => e is SystemEvent.Classified { Verdict.Scope: FaultScope.Application });
    public static readonly Guard LineFails = new("only a line fails", (_, e, _) => e is SystemEvent.Classified { Verdict.Scope: FaultScope.Line or FaultScope.Branch });

    public static readonly Guard NothingFails = new("nothing has failed", (_, e, _) => e is SystemEvent.Classified { Verdict.Scope: FaultScope.None });
    public static readonly Guard NotJudged = new("nobody could look", (_, e, _) => e is SystemEvent.Classified { Verdict.Scope: FaultScope.Unjudged });
    public static readonly Guard Judged = new("somebody could look", (s, e, now) => !NotJudged!.Holds(s, e, now));
    public static readonly Guard Unclear = new("the evidence is not enough", (_, e, _) => e is SystemEvent.Classified { Verdict.Scope: FaultScope.Unclear });
    public static readonly Guard MayAct = new("approved, with the evidence, loss, readiness and quiet time that policy asks for", (s, e, now) => Unmet(s, e, now).Count == 0);
    public static readonly Guard MayNotAct = new("policy asks for a person", (s, e, now) => Unmet(s, e, now).Count > 0);

    public static readonly Guard FindingStands = new("a person has agreed, or the finding is of this moment", (s, e, now) => s.Run is { } run && (!run.Automatic || run.ApprovedBy is not null || e is SystemEvent.Approve || Stands(run, e, now)));
    public static readonly Guard FindingIsOld = new("only a finding stands for it, and that is of some time ago", (s, e, now) => !FindingStands!.Holds(s, e, now));

    // Finishing
    public static readonly Guard IsFailover = new("it is a failover", (s, _, _) => s.Run?.Kind == RunPurpose.Failover);
    public static readonly Guard IsNotFailover = new("it is a roll-back or a reinstatement", (s, _, _) => s.Run is { Kind: not RunPurpose.Failover });
    public static readonly Guard DigestsEqual = new("final point and digest are equal on both sides", (s, e, _) =>
        e is SystemEvent.StepDone d && s.Run?.Final is { Digest: { Length: > 0 } mine, Sequence: { } at } && d.Evidence.Digest == mine && d.Evidence.Sequence == at);

    public static readonly Guard DigestsDiffer = new("final point or digest differ", (s, e, now) => !DigestsEqual.Holds(s, e, now));
    public static readonly Guard HasVolume = new("it has a volume", (s, _, _) => s.Rules.HasVolume);
    public static readonly Guard NoVolume = new("it has no volume", (s, _, _) => !s.Rules.HasVolume);
    public static readonly Guard DrillWentWell = new("the drill went well", (s, _, _) => s.Run is { DrillFailure: null });
    public static readonly Guard DrillWentBadly = new("the drill failed", (s, _, _) => s.Run is { DrillFailure: not null });
    public static readonly Guard OwnerIsHome = new("the home site serves", (s, _, _) => s.OwnerIsHome);
    public static readonly Guard OwnerIsAway = new("the other site serves", (s, _, _) => !s.OwnerIsHome);
    public static readonly Guard Stated = new("somebody says what they saw", (_, e, _) => e is SystemEvent.Attest { By.Length: > 0, Statement.Length: > 0 } or SystemEvent.StartForce { By.Length: > 0, Statement.Length: > 0 });
    public static readonly Guard SecondPerson = new("another person stated it within the last quarter of an hour", (s, e, now) => e is SystemEvent.Attest a && s.Run is { } run && Completes(run, a, now));
    public static readonly Guard AttestedByTwo = new("two people have attested it", (s, _, _) => s.Run is { Attestation.IsComplete: true });
    public static readonly Guard OnePerson = new("a second person is needed", (s, e, now) => !SecondPerson!.Holds(s, e, now) && s.Run is { Attestation: not { IsComplete: true } });

    public static readonly Guard StoppedUnproven = new("it stopped for want of a proof", (s, _, _) => s.Run is { StoppedIn: Phase.Fencing, Proof: null });
    public static readonly Guard StoppedInStep = new("a step of the run waits for help", (s, _, _) => s.Run is { StoppedIn: not null and not Phase.OnTrial, Pending: not null } && s.Disputed is null);
    public static readonly Guard StoppedOnTrial = new("the run waits for help on trial", (s, _, _) => s.Run is { StoppedIn: Phase.OnTrial });
    public static readonly Guard NotDisputed = new("the ledger and this state agree", (s, _, _) => s.Disputed is null);
    public static readonly Guard LedgerSaysHome = new("the ledger names the home site", (s, e, _) => e is SystemEvent.Accept a && a.Ledger.Site == s.Rules.Home);
    public static readonly Guard LedgerSaysAway = new("the ledger names the other site", (s, e, _) => e is SystemEvent.Accept a && a.Ledger.Site == s.Rules.Peer);
    public static readonly Guard SiteChanges = new("the site changes", (s, _, _) => s.Run is { } run && run.From != run.To);
    public static readonly Guard SiteStays = new("the site stays", (s, _, _) => s.Run is { } run && run.From == run.To);
    public static readonly Guard ServesAfterMove = new("it serves at the destination", (s, _, _) => s.Run is { Claimed: true, Pending: null });
    public static readonly Guard MustBeStarted = new("it does not run there", (s, _, _) => !InstanceRuns(s));
    public static readonly Guard RunsThere = new("it can be repointed: the instance there runs already", (s, _, _) => InstanceRuns(s));
    public static readonly Guard RunPastClaim = new("ownership has moved in this run", (s, _, _) => s.Run is { Claimed: true });
    public static readonly Guard EndsLater = new("it has an end, and that lies ahead", (_, e, now) => e switch
    {
        SystemEvent.Hold h => h.Until > now,
        SystemEvent.Decline d => d.Until > now,
        _ => false,
    });

    /// <summary>What stands between a proven run and the claim: the last look at what is lost, and at who is to take over.</summary>
    public static IReadOnlyList<string> UnmetToClaim(SystemState state, SystemEvent evt)
    {
        if (state.Run is not { } run || (evt is SystemEvent.TakeoverAssessed a ? a.Assessment : run.Assessment) is not { } assessment)
        {
            return ["What a takeover would lose has not been worked out yet."];
        }

        var limit = Limit(state, run.AcceptedLoss);
        List<string> unmet = [];
        Weigh(unmet, assessment, limit);
        return unmet;
    }

    /// <summary>True when <paramref name="attest"/> is the second statement, by another person, while the first still stands.</summary>
    public static bool Completes(LiveRun run, SystemEvent.Attest attest, DateTimeOffset now) =>
        run.Attestation is { IsComplete: false } first && !Attestation.IsSamePerson(first.First, attest.By) && now - first.At <= Attestation.Valid;

    public static Guard IsStep(StepKind step) => new($"the step is {step}", (_, e, _) => KeyOf(e)?.Step == step);

    /// <summary>Everything between this run and acting, as sentences; empty = go. Uses what <paramref name="evt"/> adds to what the run knows.</summary>
    public static IReadOnlyList<string> Unmet(SystemState state, SystemEvent evt, DateTimeOffset now)
    {
        if (state.Run is not { } run)
        {
            return ["There is no run to act on."];
        }

        var assessment = evt is SystemEvent.TakeoverAssessed a ? a.Assessment : run.Assessment;
        var verdict = evt is SystemEvent.Classified c ? c.Verdict : run.Verdict;
        var approved = evt is SystemEvent.Approve p ? p.By : run.ApprovedBy;
        var acceptedLoss = evt is SystemEvent.Approve { AcceptLoss: { } loss } ? loss : run.AcceptedLoss;
        var limit = Limit(state, acceptedLoss);
        List<string> unmet = [];

        if (assessment is null)
        {
            unmet.Add("What a takeover would lose has not been worked out yet.");
        }
        else
        {
            Weigh(unmet, assessment, limit);
        }

        if (approved is not null)
        {
            return unmet;
        }

        if (state.Rules.Approval != ApprovalMode.Automatic)
        {
            unmet.Add("Policy asks for a person's approval.");
        }

        // An owner that is there is left only when it says so itself, or has tried in vain to help itself: witnesses alone may lie, or all stand behind the line that is cut.
        var needed = state.Rules.Class == TakeoverClass.T || verdict is { OwnerIsLost: false } ? KindsForFullTakeover : 1;
        if (verdict is null || verdict.Scope == FaultScope.Unclear || verdict.IndependentKinds < needed)
        {
            unmet.Add($"The evidence is of {verdict?.IndependentKinds ?? 0} independent kinds; {needed} are needed.");
        }

        if (verdict is { Scope: FaultScope.None or FaultScope.Line or FaultScope.Branch })
        {
            unmet.Add("The finding is that the owner works: only a line fails, or nothing.");
        }

        if (assessment?.NotYet is { } turn)
        {
            unmet.Add(turn);
        }

        if (state.LastAutomaticAt is { } last && now - last < state.Rules.BlockPeriod)
        {
            unmet.Add($"An automatic failover at {last:O} blocks another one until {last + state.Rules.BlockPeriod:O}.");
        }

        return unmet;
    }

    public static RunId? RunOf(SystemEvent evt) => evt switch
    {
        SystemEvent.TakeoverAssessed e => e.Run,
        SystemEvent.LeasesStopped e => e.Run,
        SystemEvent.FencingProven e => e.Run,
        SystemEvent.OwnershipClaimed e => e.Run,
        SystemEvent.StartFailover e => e.Run,
        SystemEvent.StartForce e => e.Run,
        SystemEvent.StartMove e => e.Run,
        SystemEvent.StartDrill e => e.Run,
        SystemEvent.Approve e => e.Run,
        SystemEvent.Decline e => e.Run,
        SystemEvent.Commit e => e.Run,
        SystemEvent.RollBack e => e.Run,
        SystemEvent.Abort e => e.Run,
        SystemEvent.Retry e => e.Run,
        SystemEvent.Attest e => e.Run,
        _ => null,
    };

    /// <summary>Found within <see cref="Budgets.FindingLasts"/>; or it is not that the owner is lost, and the owner is heard: then its beats tell at once when it serves again.</summary>
    private static bool Stands(LiveRun run, SystemEvent evt, DateTimeOffset now) =>
        (evt is SystemEvent.Classified c ? c.Verdict : run.Verdict) is { } verdict
        && ((now - verdict.At).Duration() <= Budgets.FindingLasts || (!verdict.OwnerIsLost && evt is SystemEvent.TakeoverAssessed { Assessment.OwnerHeard: true }));

    private static TimeSpan Limit(SystemState state, TimeSpan? accepted) => accepted is { } loss && loss > state.Rules.LossLimit ? loss : state.Rules.LossLimit;

    private static void Weigh(List<string> unmet, Assessment assessment, TimeSpan limit)
    {
        if (!assessment.PeerReady)
        {
            unmet.Add($"The other site is not ready: {assessment.NotReady ?? "no reason given"}.");
        }

        if (!assessment.Loss.IsWithin(limit))
        {
            unmet.Add(assessment.Loss.Age is { } age
                ? $"It would lose up to {age.TotalSeconds:F0} s of work; the limit is {limit.TotalSeconds:F0} s."
                : "Nobody knows what it would lose.");
        }
    }

    private static bool InstanceRuns(SystemState s) => s is { Rules.Class: TakeoverClass.R, Run: { Assessment.InstanceRuns: true } run } && run.From != run.To;

    private static StepKey? KeyOf(SystemEvent evt) => evt switch
    {
        SystemEvent.StepDone e => e.Key,
        SystemEvent.StepFailed e => e.Key,
        _ => null,
    };

    private static DateTimeOffset Later(DateTimeOffset left, DateTimeOffset? right) => right is { } r && r > left ? r : left;

    private static Epoch? EpochOf(SystemEvent evt) => evt switch
    {
        SystemEvent.OwnershipMoved e => e.Actual.Epoch,
        SystemEvent.Accept e => e.Ledger.Epoch,
        _ => null,
    };
}
