using Dr.Contracts.Grains;
using Dr.Contracts.Ids;
using Dr.Silo.Decisions.Detection;
using Dr.Silo.Decisions.Failover;

namespace Dr.Silo.Tests.Decisions;

/// <summary>
/// Plays the world to one machine: numbers become events that fit the moment, events that are late, repeated or from another epoch, answers of a ledger, and time.
/// Checks the machine's promises after every one.
/// </summary>
internal sealed class MachineDriver
{
    public const int Choices = 48;

    private static readonly SiteId Home = new("production");
    private static readonly SiteId Peer = new("backup");

    private readonly List<SystemEvent> _past = [];
    private readonly Dictionary<RunId, Ownership> _wanted = [];
    private Ownership _ledger = new(Epoch.First, Home);
    private int _orders;

    private readonly TableIndex _table;

    public MachineDriver(TakeoverClass takeover, ApprovalMode approval, bool volume, bool lease, bool standby, TableIndex? table = null)
    {
        _table = table ?? new TableIndex(FailoverTable.Rows);
        State = SystemState.New(new SystemId("dilas"), new TakeoverRules
        {
            Home = Home,
            Peer = Peer,
            Class = takeover,
            Approval = approval,
            HasVolume = volume,
            LeaseTtl = lease ? LeaseClock.DefaultTtl : null,
            LocalStandby = standby,
            FenceDevice = standby,
        }, _ledger, DateTimeOffset.UnixEpoch);
    }

    public SystemState State { get; private set; }

    public DateTimeOffset Now { get; private set; } = DateTimeOffset.UnixEpoch;

    public HashSet<Phase> Seen { get; } = [Phase.Unprotected];

    /// <summary>What happened last, for the message of a test that fails.</summary>
    public List<string> Trace { get; } = [];

    public HashSet<string> RulesUsed { get; } = new(StringComparer.Ordinal);

    public static MachineDriver Of(int kind, TableIndex? table = null) => new(
        (kind & 1) == 0 ? TakeoverClass.T : TakeoverClass.R, (kind & 2) == 0 ? ApprovalMode.Automatic : ApprovalMode.Person, (kind & 4) == 0, (kind & 8) == 0, (kind & 16) != 0, table);

    /// <summary>A state in which the copy is complete.</summary>
    public MachineDriver Protected()
    {
        Send(new SystemEvent.LeaseHeard(State.Owner.Epoch, Asks: true));
        Send(new SystemEvent.CopyConfigured());
        Send(new SystemEvent.CopyCurrent(State.Owner.Epoch));
        return this;
    }

    public void Play(int choice)
    {
        Now += TimeSpan.FromSeconds(choice % 7);
        Send(Event(choice));
    }

    public Transition Send(SystemEvent evt)
    {
        var before = State;
        var transition = FailoverMachine.Apply(_table, before, evt, Now);
        _past.Add(evt);
        State = transition.Next;
        Seen.Add(State.Phase);
        if (transition.Audit is { } audit)
        {
            Trace.Add($"{audit.From} → {audit.To}: {audit.Rule}");
            RulesUsed.Add($"{audit.From}/{audit.Event}/{audit.Rule}");
        }

        Check(before, evt, transition);
        CheckTwice(evt);
        foreach (var claim in transition.Effects.OfType<SystemEffect.ClaimOwnership>())
        {
            _wanted[claim.Run] = claim.Wanted;
        }

        return transition;
    }

    /// <summary>Everything works from now on and people do their part: where does it end?</summary>
    public Phase Heal()
    {
        for (var round = 0; round < 400; round++)
        {
            if (State.Phase is Phase.Protected or Phase.NeedsOperator)
            {
                return State.Phase;
            }

            Now += TimeSpan.FromSeconds(1);
            SystemEvent evt = State switch
            {
                { Run.Pending: { } key } => new SystemEvent.StepDone(key, Evidence(key)),
                { Run: { ClaimSent: true, Claimed: false } } => LedgerAnswers(),
                { Phase: Phase.Fencing, Run: { Proof: not null, ClaimSent: false } run } => Assessed(run.Id, ready: true, TimeSpan.Zero),
                { Phase: Phase.Deciding, Run: { Automatic: true } } => new SystemEvent.OwnerServes(),
                { Phase: Phase.Deciding, Run: { Assessment: null } run } => Assessed(run.Id, ready: true, TimeSpan.Zero),
                { Phase: Phase.Deciding, Run: { } run } => new SystemEvent.Abort("operator", run.Id),
                { Phase: Phase.Suspect } => new SystemEvent.OwnerServes(),
                { Phase: Phase.OnTrial, Run: { } run } => new SystemEvent.Commit("operator", run.Id),
                { Phase: Phase.FailedOver } => new SystemEvent.PeerReturned(),
                { Phase: Phase.Unprotected } => new SystemEvent.CopyConfigured(),
                { Phase: Phase.Diverged } => new SystemEvent.ResolveDivergence("operator"),
                { Phase: Phase.Held } => new SystemEvent.Release("operator"),
                { Phase: Phase.FailbackReady } => new SystemEvent.StartMove("operator", NewRun()),
                { Phase: Phase.Seeding or Phase.Reversing or Phase.SwitchingBack } => new SystemEvent.CopyCurrent(State.Owner.Epoch),
                _ => AfterDeadline(),
            };
            Send(evt);
        }

        return State.Phase;
    }

    private void Check(SystemState before, SystemEvent evt, Transition transition)
    {
        var next = transition.Next;
        next.Owner.Epoch.ShouldBeGreaterThanOrEqualTo(before.Owner.Epoch, "the ownership epoch only grows");
        next.HighestEpoch.ShouldBeGreaterThanOrEqualTo(before.HighestEpoch, "a number given out is never forgotten");
        next.HighestEpoch.ShouldBeGreaterThanOrEqualTo(next.Owner.Epoch);
        next.Deadline.ShouldNotBeNull("every phase has a budget");
        (transition.Audit is null).ShouldBe(ReferenceEquals(before, next), "a change without an audit entry, or an entry without a change");

        foreach (var effect in transition.Effects)
        {
            Enum.IsDefined(effect.Executor).ShouldBeTrue($"{effect.Name} has nobody to carry it out");
        }

        foreach (var step in transition.Effects.OfType<SystemEffect.RunStep>())
        {
            step.Epoch.ShouldBeGreaterThanOrEqualTo(next.Owner.Epoch, "a lower epoch acts");
            if (step.Key.Step == StepKind.PromoteCopy)
            {
                next.Run.ShouldNotBeNull().Proof.ShouldNotBeNull("promoted without a proof");
                next.Run!.Claimed.ShouldBeTrue("promoted before the ledger had it");
                step.Epoch.ShouldBe(next.Owner.Epoch);
                step.Key.Target.ShouldBe(next.Owner.Site, "promoted somewhere else than at the owner's");
                _ledger.Epoch.ShouldBeGreaterThanOrEqualTo(step.Epoch, "promoted under a number that the ledger never gave");
            }
        }

        foreach (var claim in transition.Effects.OfType<SystemEffect.ClaimOwnership>())
        {
            claim.Proof.ShouldNotBeNull().FencedEpoch.ShouldBeGreaterThanOrEqualTo(claim.Expected.Epoch, "the proof is about another epoch");
            claim.Wanted.Epoch.ShouldBeGreaterThan(claim.Expected.Epoch, "claimed without a higher number");
            next.Run!.Kind.ShouldNotBe(RunPurpose.Drill, "a drill claims ownership");
            before.Run.ShouldSatisfyAllConditions(run => (run is { Claimed: true } && run.Id == claim.Run).ShouldBeFalse("claimed twice in one run"));
        }

        if (before.Run is { Kind: RunPurpose.Drill } && next.Run?.Id == before.Run.Id)
        {
            next.Owner.ShouldBe(before.Owner, "a drill changed ownership");
        }

        if (next.Owner.Site != before.Owner.Site && evt is not SystemEvent.Accept)
        {
            // What a class T system does by itself leads away from a site that is lost, never back in the same breath.
            (next.Run is { Automatic: true } && before.Phase is Phase.OnTrial or Phase.FailedOver).ShouldBeFalse("it bounced back by itself");
            next.Run.ShouldNotBeNull().Claimed.ShouldBeTrue();
        }
    }

    /// <summary>The same event again does nothing that the first did not.</summary>
    private void CheckTwice(SystemEvent evt)
    {
        var again = FailoverMachine.Apply(_table, State, evt, Now);
        again.Effects.Where(e => e is SystemEffect.RunStep or SystemEffect.ClaimOwnership or SystemEffect.StopLeases).ShouldBeEmpty($"{evt.Name} twice is not once in {State.Phase}");
        again.Next.Owner.ShouldBe(State.Owner);
    }

    private SystemEvent Event(int choice)
    {
        var run = State.Run?.Id ?? new RunId("none");
        return choice switch
        {
            0 => new SystemEvent.CopyConfigured(),
            1 or 2 => new SystemEvent.CopyCurrent(State.Owner.Epoch),
            3 => new SystemEvent.CopyCurrent(new Epoch(Math.Max(0, State.Owner.Epoch.Value - 1))),
            4 => new SystemEvent.CopyLost("lost"),
            5 => new SystemEvent.CopyDiverged("diverged"),
            6 => new SystemEvent.PeerReturned(),
            7 => new SystemEvent.Suspected(8, "silent"),
            8 => new SystemEvent.LeaseHeard(State.Owner.Epoch, Asks: (_orders & 3) != 0),
            9 => new SystemEvent.OwnerServes(),
            10 or 11 => Found(FaultScope.Device, EvidenceKinds.MissedBeats | EvidenceKinds.Witnesses),
            12 => Found(FaultScope.Site, EvidenceKinds.MissedBeats | EvidenceKinds.Witnesses),
            13 => Found(FaultScope.Unclear, EvidenceKinds.MissedBeats),
            14 => Found(FaultScope.Application, EvidenceKinds.OwnReport),
            15 => Found(FaultScope.Line, EvidenceKinds.Witnesses),
            16 => Found(FaultScope.Access, EvidenceKinds.Witnesses | EvidenceKinds.OwnReport),
            17 => Found(FaultScope.None, EvidenceKinds.None),
            18 => new SystemEvent.LocalRepairExhausted("nothing helps"),
            19 or 20 => Assessed(run, ready: true, TimeSpan.FromSeconds(2)),
            21 => Assessed(run, ready: false, TimeSpan.FromSeconds(2)),
            22 => Assessed(run, ready: true, TimeSpan.FromHours(3)),
            23 => new SystemEvent.LeasesStopped(run, Now - TimeSpan.FromSeconds(3)),
            24 => new SystemEvent.FencingProven(run, Proof(State.Owner.Epoch)),
            25 => new SystemEvent.FencingProven(run, Proof(Epoch.None)),
            26 or 27 or 28 => LedgerAnswers(),
            29 => new SystemEvent.OwnershipClaimed(run, new Ownership(Epoch.First, Peer)),
            30 => Moved(),
            31 or 32 or 33 or 34 => State.Run?.Pending is { } key ? new SystemEvent.StepDone(key, Evidence(key)) : new SystemEvent.TimePassed(),
            35 => State.Run?.Pending is { } key ? new SystemEvent.StepDone(key, StepEvidence.None) : new SystemEvent.TimePassed(),
            36 => State.Run?.Pending is { } key ? new SystemEvent.StepFailed(key, State.Run.Attempt, "failed", Fenced: false) : new SystemEvent.TimePassed(),
            37 => State.Run?.Pending is { } key ? new SystemEvent.StepFailed(key, State.Run.Attempt, "fenced", Fenced: true) : new SystemEvent.TimePassed(),
            38 => new SystemEvent.TimePassed(),
            39 => AfterDeadline(),
            40 => new SystemEvent.StartFailover("operator", NewRun(), "because"),
            41 => new SystemEvent.StartMove("operator", NewRun()),
            42 => new SystemEvent.StartDrill("operator", NewRun()),
            43 => new SystemEvent.Approve("operator", run, TimeSpan.FromDays(1)),
            44 => new SystemEvent.Abort("operator", run),
            45 => (_orders++ % 6) switch
            {
                0 => new SystemEvent.Decline("operator", run, Now + TimeSpan.FromHours(1)),
                1 => (_orders & 16) == 0 ? new SystemEvent.Commit("operator", run) : new SystemEvent.StartForce("operator", NewRun(), "burnt", "the rack is off"),
                2 => new SystemEvent.RollBack("operator", NewRun(), "worse"),
                3 => new SystemEvent.Attest((_orders & 8) == 0 ? "operator" : "commander", run, "the rack is off"),
                4 => new SystemEvent.Hold("operator", Now + TimeSpan.FromHours(1), "work"),
                _ => new SystemEvent.Release("operator"),
            },
            46 => (_orders++ % 3) switch
            {
                0 => new SystemEvent.Retry("operator", run),
                1 => new SystemEvent.Accept("operator", _ledger),
                _ => new SystemEvent.ResolveDivergence("operator"),
            },
            _ => _past.Count == 0 ? new SystemEvent.TimePassed() : _past[_past.Count * 3 / 5],
        };
    }

    private SystemEvent LedgerAnswers()
    {
        if (State.Run is not { ClaimSent: true } run || !_wanted.TryGetValue(run.Id, out var wanted))
        {
            return new SystemEvent.TimePassed();
        }

        if (_ledger == State.Owner)
        {
            _ledger = wanted;
        }

        return _ledger == wanted ? new SystemEvent.OwnershipClaimed(run.Id, wanted) : new SystemEvent.OwnershipMoved(_ledger);
    }

    /// <summary>Somebody else's control plane moved the record.</summary>
    private SystemEvent.OwnershipMoved Moved()
    {
        _ledger = new Ownership(new Epoch(Math.Max(_ledger.Epoch.Value, State.HighestEpoch.Value) + 1), (_orders++ & 1) == 0 ? Home : Peer);
        return new SystemEvent.OwnershipMoved(_ledger);
    }

    private SystemEvent.TimePassed AfterDeadline()
    {
        Now = State.WakeAt is { } at && at > Now ? at : Now + TimeSpan.FromSeconds(1);
        return new SystemEvent.TimePassed();
    }

    private SystemEvent.TakeoverAssessed Assessed(RunId run, bool ready, TimeSpan age) => new(run, new Assessment
    {
        Loss = new PredictedLoss { Age = age, Basis = "test" },
        PeerReady = ready,
        NotReady = ready ? null : "no host",
        InstanceRuns = age == TimeSpan.Zero,
        At = Now,
    });

    private SystemEvent.Classified Found(FaultScope scope, EvidenceKinds kinds) => new(new Verdict { Scope = scope, Evidence = kinds, Reasons = ["test"], At = Now });

    private FencingProof Proof(Epoch epoch) => new() { Kind = FencingProofKind.FenceDevice, FencedEpoch = epoch, At = Now, By = "power strip" };

    private static StepEvidence Evidence(StepKey key) => new() { Sequence = new SequenceNumber(42), Digest = $"digest of {key.Run}" };

    private RunId NewRun() => new($"order-{_orders++}");
}
