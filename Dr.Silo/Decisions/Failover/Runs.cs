using Dr.Contracts.Grains;
using Dr.Silo.Decisions.Detection;

namespace Dr.Silo.Decisions.Failover;

/// <summary>The updates of the table that concern the live run.</summary>
internal static class Runs
{
    public static SystemState Start(SystemState state, RunPurpose kind, RunId id, string by, bool automatic, string? reason, DateTimeOffset now)
    {
        var epoch = NextEpoch(state);
        return state with
        {
            HighestEpoch = kind == RunPurpose.Drill ? state.HighestEpoch : epoch,
            RunCount = state.RunCount + 1,
            Reason = reason,
            Run = new LiveRun
            {
                Id = id,
                Kind = kind,
                From = state.Owner.Site,
                To = state.CopySite,
                // A drill acts under the number that already is: it can never own anything.
                Epoch = kind == RunPurpose.Drill ? state.Owner.Epoch : epoch,
                StartedAt = now,
                StartedBy = by,
                Automatic = automatic,
                Reason = reason,
            },
        };
    }

    /// <summary>A run that the detector starts: its id follows from the state, so deciding twice gives the same run.</summary>
    public static SystemState StartAutomatic(SystemState state, Verdict verdict, string by, DateTimeOffset now)
    {
        var id = new RunId($"{state.System}-auto-{state.RunCount + 1}-e{NextEpoch(state)}");
        var started = Start(state, RunPurpose.Failover, id, by, automatic: true, string.Join(' ', verdict.Reasons), now);
        return started with { Run = started.Run! with { Verdict = verdict } };
    }

    public static SystemState Edit(SystemState state, Func<LiveRun, LiveRun> change) => state.Run is { } run ? state with { Run = change(run) } : state;

    public static SystemState Finish(SystemState state, string? reason)
    {
        if (state.Run is not { } run)
        {
            return state with { Reason = reason };
        }

        var finished = state.FinishedRuns.Append(run.Id).TakeLast(SystemState.RememberedRuns).ToArray();
        return state with { Run = null, FinishedRuns = finished, Reason = reason };
    }

    public static SystemState Begin(SystemState state, StepKind step) =>
        Edit(state, run => run with { Pending = new StepKey(run.Id, step, TargetOf(run, step)), Attempt = 1 });

    public static SystemState Again(SystemState state, SystemEvent evt, DateTimeOffset now) =>
        Edit(state, run => run with { Attempt = run.Attempt + 1, StoppedIn = null, Trouble = null });

    /// <summary>Puts the run aside for a person, remembering where it was.</summary>
    public static Update StopFor(string trouble) => (state, evt, now) =>
    {
        var detail = evt is SystemEvent.StepFailed f ? $"{trouble} {f.Key.Step} at {f.Key.Target}: {f.Reason}" : trouble;
        return Edit(state, run => run with { StoppedIn = run.StoppedIn ?? state.Phase, Trouble = detail }) with { Reason = detail };
    };

    /// <summary>From here on nobody renews the old owner's lease, and its lapse becomes a proof at a known time.</summary>
    public static SystemState BeginFencing(SystemState state, SystemEvent evt, DateTimeOffset now) => Edit(state, run => run with
    {
        Assessment = evt is SystemEvent.TakeoverAssessed a ? a.Assessment : run.Assessment,
        Verdict = evt is SystemEvent.Classified c ? c.Verdict : run.Verdict,
        ApprovedBy = evt is SystemEvent.Approve p ? p.By : run.ApprovedBy,
        AcceptedLoss = evt is SystemEvent.Approve { AcceptLoss: { } loss } ? loss : run.AcceptedLoss,
        LeasesStopped = true,
        Trouble = null,
        FenceBy = state.WritesUnderLease ? LeaseClock.FencedAt(state, null, now) : null,
    });

    public static FencingProof Proof(SystemState state, FencingProofKind kind, string by, SequenceNumber? last, DateTimeOffset now) =>
        new() { Kind = kind, FencedEpoch = state.Owner.Epoch, At = now, By = by, LastSequence = last };

    /// <summary>Proven and claimed in one: nothing is left to weigh.</summary>
    public static SystemState Prove(SystemState state, FencingProofKind kind, string by, SequenceNumber? last, DateTimeOffset now) =>
        Claim(Proven(state, Proof(state, kind, by, last, now)));

    /// <summary>The old owner cannot write any more. What that costs is weighed next, before ownership is claimed.</summary>
    public static SystemState Proven(SystemState state, FencingProof proof) =>
        Edit(state, run => run with { Proof = proof, Pending = null, StoppedIn = null, Trouble = null });

    public static SystemState Claim(SystemState state) => Edit(state, run => run with { ClaimSent = true });

    /// <summary>One more person states that the old owner is off.</summary>
    public static SystemState Attested(SystemState state, SystemEvent evt, DateTimeOffset now)
    {
        var attest = (SystemEvent.Attest)evt;
        return Edit(state, run => Guards.Completes(run, attest, now)
            ? run with
            {
                Attestation = run.Attestation! with { Second = attest.By, SecondStatement = attest.Statement },
                ApprovedBy = $"{run.Attestation.First} and {attest.By}",
                AcceptedLoss = PredictedLoss.Anything,
            }
            : run with { Attestation = new Attestation { First = attest.By, Statement = attest.Statement, At = now } });
    }

    public static SystemState Claimed(SystemState state, SystemEvent evt, DateTimeOffset now)
    {
        var owner = ((SystemEvent.OwnershipClaimed)evt).Owner;
        return Edit(state, run => run with { Claimed = true, LeasesStopped = false }) with
        {
            Owner = owner,
            LastAutomaticAt = state.Run is { Automatic: true } ? now : state.LastAutomaticAt,
        };
    }

    /// <summary>A move is given up: whoever served before serves again, under a number nobody has seen.</summary>
    public static SystemState Reinstate(SystemState state, SystemEvent evt, DateTimeOffset now)
    {
        var epoch = NextEpoch(state);
        var edited = Edit(state, run => run with { Kind = RunPurpose.Reinstate, To = state.Owner.Site, Epoch = epoch, LeasesStopped = true, Automatic = false });
        return Prove(edited with { HighestEpoch = epoch }, FencingProofKind.SameOwner, evt.Actor, null, now);
    }

    private static Epoch NextEpoch(SystemState state) => (state.HighestEpoch > state.Owner.Epoch ? state.HighestEpoch : state.Owner.Epoch).Next;

    private static SiteId TargetOf(LiveRun run, StepKind step) => step switch
    {
        StepKind.StopSystem or StepKind.DemoteCopy or StepKind.SyncCopy => run.From,
        _ => run.To,
    };
}
