using Dr.Silo.Decisions.Detection;
using Dr.Silo.Decisions.Failover;

namespace Dr.Silo.Decisions.Observing;

/// <summary>
/// One system as its watcher knows it: from what was heard to what the machine is told. Levels, not edges: said again as long as they hold; the machine ignores what is not news. Only in memory.
/// </summary>
internal sealed class SystemWatch(Func<SuspicionFacts, Verdict>? classify = null)
{
    /// <summary>The same suspicion again, after a finding that was not "lost", only after a while.</summary>
    public static readonly TimeSpan SuspectAgainAfter = TimeSpan.FromSeconds(30);

    /// <summary>A copy that says "failed" for this long, or "seeding" where a complete one was counted on, is not on its way back by itself.</summary>
    private static readonly TimeSpan CopyTroubleAfter = TimeSpan.FromSeconds(5);

    /// <summary>A copy that failed is tried again after a while, each time after twice as long, not at every look: each try is in the audit.</summary>
    private static readonly TimeSpan CopyAgainAfter = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan CopyAgainAtMost = TimeSpan.FromMinutes(5);

    /// <summary>A component may fail a check now and then.</summary>
    private static readonly TimeSpan OwnReportAfter = TimeSpan.FromSeconds(3);

    /// <summary>Witnesses and the site's own devices look at different moments; a line that comes back by itself is no reason to move.</summary>
    private static readonly TimeSpan AccessLostAfter = TimeSpan.FromSeconds(3);

    /// <summary>A source says twice a second how far it is: a copy that was told nothing for this long has lost it.</summary>
    private static readonly TimeSpan CopyStillFor = TimeSpan.FromSeconds(5);

    /// <summary>
    /// A copy that lost its source this much sooner or later than we lost the owner, lost it by something else. Both are known as exactly as beats come: every second or two where leases are renewed; a copy whose
    /// appliance beats seldom is no witness.
    /// </summary>
    private static readonly TimeSpan LostTogether = TimeSpan.FromSeconds(4);

    /// <summary>A request comes with every report of the store; one that reports for this long and asks for nothing needs no lease (any more).</summary>
    private static readonly TimeSpan UnaskedFor = TimeSpan.FromSeconds(30);

    private readonly Func<SuspicionFacts, Verdict> _classify = classify ?? SuspicionClassifier.Classify;
    private DateTimeOffset _copyAgainAt;
    private TimeSpan _copyPatience = CopyAgainAfter;
    private DateTimeOffset? _accessLostSince;
    private DateTimeOffset _suspectAgainAt;
    private Epoch _endsWithUs;
    private (Epoch Epoch, DateTimeOffset At) _asked;
    private DateTimeOffset? _listensSince;

    public SystemObservations Seen { get; } = new();

    /// <summary>The round of asking that is under way.</summary>
    public ProbeSession? Probe { get; private set; }

    /// <summary>The site helps itself: what its host reports meanwhile is no news.</summary>
    public bool Repairing { get; set; }

    /// <summary>What is stored of the volume's mirrors was read; until then no mirror counts as whole.</summary>
    public bool StoredMirrorsHeard { get; set; }

    /// <summary>Why an automatic takeover waits for its turn.</summary>
    public string? NotYet { get; set; }

    /// <summary>When the owner was granted a lease for the last time, or may have been.</summary>
    public DateTimeOffset LastGrant { get; set; }

    /// <summary>The present owner's store asks for a lease, whether it gets one or not. Only where nobody else extends it anything follows for us from its lapse.</summary>
    public void HearLease(LeaseRequest request, DateTimeOffset now)
    {
        _asked = (request.Epoch, now);
        _endsWithUs = request.Extendable == false ? request.Epoch : Epoch.None;
    }

    /// <summary>When the owner surely serves nobody any more if nothing is granted meanwhile; null when it may serve without us, or has not asked since we began to listen.</summary>
    public DateTimeOffset? GateShutAt(SystemSettings settings, SystemState machine) =>
        settings is { Lease: true, Volume: not null } && _endsWithUs == machine.Owner.Epoch ? LeaseClock.FencedAt(machine, LastGrant, LastGrant) : null;

    /// <summary>Since when the devices can be heard without interruption; null: longer than anything that a decision waits for.</summary>
    public DateTimeOffset? HearsSince { get; set; }

    /// <summary>The owner was heard running under its present epoch: from now on "stopped" is a fault and not a beginning.</summary>
    public bool HearsServing(SystemSettings settings, SystemState machine)
    {
        var host = settings.At(machine.Owner.Site).Host;
        return Seen.IsAlive(host) == true && Seen.HealthOf(host) is { Health.State: HealthState.Running } health && health.At > machine.Since;
    }

    /// <summary>Everything that may be news to the machine. <paramref name="servedEpoch"/>: the epoch under which the system was seen running.</summary>
    public List<SystemEvent> Observe(SystemSettings settings, SystemState machine, Epoch servedEpoch, DateTimeOffset now)
    {
        var (owner, copy) = (settings.At(machine.Owner.Site), settings.At(machine.CopySite));
        List<SystemEvent> said = [];
        RoundFor(machine);
        ObserveLease(said, machine, owner, now);
        if (machine.WakeAt is { } wake && now >= wake)
        {
            said.Add(new SystemEvent.TimePassed());
        }

        ObserveCopy(said, settings, machine, owner, copy, now);
        ObserveOwner(said, machine, owner, servedEpoch, now);
        if (machine is { Phase: Phase.Fencing, Run: { Proof: not null, ClaimSent: false, Assessment: not null } weighed })
        {
            said.Add(new SystemEvent.TakeoverAssessed(weighed.Id, Assess(settings, machine, now)));
        }

        if (machine is { Phase: Phase.Fencing or Phase.NeedsOperator, Run: { Proof: null, LeasesStopped: true } unproven } && ReadBack(owner, machine, unproven, now) is { } proof)
        {
            said.Add(new SystemEvent.FencingProven(unproven.Id, proof));
        }

        if (machine is { Phase: Phase.Deciding, Run: { Assessment: { } known } run })
        {
            // While a person is awaited, the picture may change by itself.
            var fresh = Assess(settings, machine, now);
            if (fresh.NotYet != known.NotYet || fresh.PeerReady != known.PeerReady || fresh.Loss.IsWithin(settings.LossLimit) != known.Loss.IsWithin(settings.LossLimit))
            {
                said.Add(new SystemEvent.TakeoverAssessed(run.Id, fresh));
            }
        }

        return said;
    }

    /// <summary>Begins a round of asking those of the owner that are silent, unless one is under way.</summary>
    public void BeginProbing(SystemSettings settings, SystemState machine, DateTimeOffset until, DateTimeOffset now)
    {
        var owner = settings.At(machine.Owner.Site);
        DeviceId[] silent = [.. new[] { owner.Host, owner.Appliance }.OfType<DeviceId>().Distinct().Where(d => Seen.IsAlive(d) == false)];
        Probe ??= new ProbeSession(now, until, silent.Length > 0 ? silent : [owner.Host], machine.Owner);
    }

    /// <summary>The round that is under way, if there is still something to ask about: once the suspicion has ended another way, or another site owns the system, what was asked meanwhile was about the time before, and the round is dropped.</summary>
    public ProbeSession? RoundFor(SystemState machine)
    {
        if (machine.Phase is Phase.Protected or Phase.FailbackReady || Probe?.Owner != machine.Owner)
        {
            Probe = null;
        }

        return Probe;
    }

    /// <summary>
    /// The round is over. An observer that could not judge asks anew as soon as it can, not only after the usual while; and so does one whose round began while the owner might still serve, as soon as it
    /// cannot any more (<paramref name="gateShutAt"/>): who was let in before may have been served. One that goes on renewing its lease serves on.
    /// </summary>
    public void EndProbing(bool unjudged, DateTimeOffset? gateShutAt, DateTimeOffset now)
    {
        var again = now + (unjudged ? Budgets.Probing : SuspectAgainAfter);
        if (!unjudged && gateShutAt is { } shut && Probe?.StartedAt is { } began && LastGrant < began && began < shut && shut < again)
        {
            again = Later(shut, now);
        }

        Probe = null;
        _suspectAgainAt = again;
    }

    public Verdict Classify(SuspicionFacts facts) => _classify(facts);

    /// <summary>At the end of a round of asking: what was heard, and what follows from what was not granted.</summary>
    public SuspicionFacts Facts(SystemSettings settings, SystemState machine, int sent, int answered, SiteView? site, DateTimeOffset now) =>
        Facts(settings.At(machine.Owner.Site), sent, answered, site, now) with { GateShutAt = GateShutAt(settings, machine), CopyHearsNothing = CopyHearsNothing(settings.At(machine.CopySite), machine) };

    public SuspicionFacts Facts(SystemSite owner, int sent, int answered, SiteView? site, DateTimeOffset now)
    {
        var others = site?.Members.Where(m => m != owner.Host && m != owner.Appliance).ToArray() ?? [];
        return new SuspicionFacts
        {
            Suspect = owner.Host,
            Now = now,
            Silent = SilentOf(owner) is not null,
            PresenceKnown = Seen.IsAlive(owner.Host) is not null && (owner.Appliance is not { } appliance || Seen.IsAlive(appliance) is not null),
            ProbesSent = sent,
            ProbesAnswered = answered,

            // Who does not get out of its own site cannot tell whether anybody is there.
            Witnesses = [.. Seen.Witnesses.Where(w => w.Reachable || w.InsideSite || !Seen.AccessLost(w.Site, now))],
            SiteReportsAccessLost = Seen.AccessLost(owner.Site, now),
            SiteDevices = others.Length,
            SiteDevicesSilent = site is null ? 0 : others.Count(site.Silent.Contains),
        };
    }

    /// <summary>Its last report is of a copy that stands still, and has since about the moment at which the owner was granted its last lease.</summary>
    private bool CopyHearsNothing(SystemSite copy, SystemState machine) =>
        copy.Appliance is { } appliance && Seen.IsAlive(appliance) == true && Seen.VolumeOf(appliance) is { Status: { Role: VolumeRole.Replica } status, At: var at } && status.Epoch == machine.Owner.Epoch
        && Seen.VolumeMovedAt(appliance) is { } moved && at - moved >= CopyStillFor && (moved - LastGrant).Duration() <= LostTogether;

    /// <summary>What a takeover would lose right now, and whether the other site can carry the system.</summary>
    public Assessment Assess(SystemSettings settings, SystemState machine, DateTimeOffset now)
    {
        var (owner, copy) = (settings.At(machine.Owner.Site), settings.At(machine.CopySite));
        List<string> missing = [];
        if (Seen.IsAlive(copy.Host) != true)
        {
            missing.Add($"host {copy.Host} is not heard");
        }

        var loss = new PredictedLoss { Age = TimeSpan.Zero, Writes = 0, Basis = "The system has no volume." };
        if (settings.Volume is not null)
        {
            if (copy.Appliance is not { } appliance || Seen.IsAlive(appliance) != true)
            {
                missing.Add($"appliance {copy.Appliance} is not heard");
            }

            var (mine, theirs) = (Seen.VolumeOf(owner.Appliance), Seen.VolumeOf(copy.Appliance));
            if (theirs is not { Status.Fault: null })
            {
                missing.Add(theirs is null ? $"no copy of {settings.Volume} is reported at {copy.Site}" : $"the copy at {copy.Site} has a fault: {theirs.Value.Status.Fault}");
            }

            // A silent owner answers nobody after its lease, and that was renewed for the last time when it was last granted.
            // Until then it may go on, unheard by us, so what it answers until then counts as lost. Once it is proven that it cannot write, it has answered nobody since.
            var alive = owner.Appliance is { } a && Seen.IsAlive(a) == true;
            var lostAt = !alive && machine.WritesUnderLease ? LeaseClock.LastAnswerBy(LastGrant, settings.LeaseTtl) : now;
            if (machine.Run?.Proof is { } proven && proven.At < lostAt)
            {
                lostAt = proven.At;
            }

            // What was stored counts as much as what was heard, so that a report of before, which comes late or after a restart of ours, says nothing.
            // A copy that knows itself not to be whole is believed over its owner, which may not have been able to say so.
            var whole = settings.CopyMode == CopyMode.Sync && StoredMirrorsHeard && mine is not null && Seen.IsWhole(copy.Replication, machine.Owner.Epoch) && theirs?.Status.Mirror is null or MirrorState.Whole;
            loss = theirs?.Status is { Differs: true, Appended: var at }
                ? PredictedLoss.Differing(at)
                : machine.Run is { Proof: { SaysWhatIsLast: true, LastSequence: { } last } } && theirs?.Status is { Fault: null } copied && copied.Durable >= last
                ? PredictedLoss.None(last)
                : PredictedLoss.Between(mine?.Status.Appended, mine?.At, theirs?.Status.Durable, theirs?.Status.CurrentAsOf, lostAt, whole);
        }

        return new Assessment
        {
            NotYet = NotYet,
            Loss = loss,
            PeerReady = missing.Count == 0,
            NotReady = missing.Count == 0 ? null : string.Join("; ", missing),
            InstanceRuns = Seen.IsAlive(copy.Host) == true && Seen.HealthOf(copy.Host) is { Health.State: HealthState.Running },
            At = now,
            HearsSince = HearsSince,
            OwnerHeard = SilentOf(owner) is null && Seen.IsAlive(owner.Host) == true && Seen.HealthOf(owner.Host) is { } report && report.At >= Seen.AliveSince(owner.Host),
        };
    }

    private void ObserveLease(List<SystemEvent> said, SystemState machine, SystemSite owner, DateTimeOffset now)
    {
        _listensSince ??= now;
        var (epoch, asks) = (machine.Owner.Epoch, _asked.Epoch == machine.Owner.Epoch);
        var since = asks ? Later(_asked.At, _listensSince.Value) : _listensSince.Value;
        if (Seen.VolumeOf(owner.Appliance) is { Status: { Role: VolumeRole.Primary } status, At: var at } && status.Epoch == epoch && at - since > UnaskedFor)
        {
            asks = false;
            if (machine is { Rules.LeaseTtl: not null, LeaseAsked: null } || machine.LeaseAsked == epoch)
            {
                said.Add(new SystemEvent.LeaseHeard(epoch, Asks: false));
            }
        }

        if (asks && machine.LeaseAsked != epoch)
        {
            said.Add(new SystemEvent.LeaseHeard(epoch, Asks: true));
        }
    }

    private void ObserveCopy(List<SystemEvent> said, SystemSettings settings, SystemState machine, SystemSite owner, SystemSite copy, DateTimeOffset now)
    {
        if (settings.Volume is null)
        {
            if (Seen.IsAlive(copy.Host) == true)
            {
                said.Add(new SystemEvent.CopyConfigured());
                said.Add(new SystemEvent.PeerReturned());
                said.Add(new SystemEvent.CopyCurrent(machine.Owner.Epoch));
            }

            return;
        }

        var peerIsBack = copy.Appliance is { } appliance && Seen.IsAlive(appliance) == true;
        if (Seen.VolumeOf(owner.Appliance) is not { Status: { Role: VolumeRole.Primary } status } seen || status.Epoch != machine.Owner.Epoch)
        {
            return;
        }

        if (peerIsBack && machine.Phase == Phase.Unprotected && now >= _copyAgainAt)
        {
            said.Add(new SystemEvent.CopyConfigured());
        }

        if (peerIsBack && machine.Phase == Phase.FailedOver && now >= _copyAgainAt)
        {
            said.Add(new SystemEvent.PeerReturned());
        }

        if (status.Copies.FirstOrDefault(c => c.Peer == copy.Replication) is not { } link)
        {
            return;
        }

        switch (link.State)
        {
            case CopyState.Current:
                _copyPatience = CopyAgainAfter;
                said.Add(new SystemEvent.CopyCurrent(machine.Owner.Epoch));
                break;
            case CopyState.Diverged:
                said.Add(new SystemEvent.CopyDiverged(link.Detail ?? "The copy has writes of its own."));
                break;
            case CopyState.Failed or CopyState.Seeding when IsLost(link.State, machine.Phase) && now - Later(seen.CopyStateSince, machine.Since) > CopyTroubleAfter:
                _copyAgainAt = now + _copyPatience;
                _copyPatience = _copyPatience * 2 < CopyAgainAtMost ? _copyPatience * 2 : CopyAgainAtMost;
                said.Add(new SystemEvent.CopyLost(link.Detail ?? $"The copy is {link.State}."));
                break;
        }
    }

    /// <summary>While nobody copies nothing can be lost, and a first copy is under way while there is none yet: only where a copy was counted on is that a loss.</summary>
    private static bool IsLost(CopyState state, Phase phase) =>
        phase is not (Phase.Unprotected or Phase.FailedOver) && (state == CopyState.Failed || phase is not (Phase.Seeding or Phase.Reversing));

    private static DateTimeOffset Later(DateTimeOffset left, DateTimeOffset right) => left > right ? left : right;

    private void ObserveOwner(List<SystemEvent> said, SystemState machine, SystemSite owner, Epoch servedEpoch, DateTimeOffset now)
    {
        var (host, appliance) = (Seen.PresenceOf(owner.Host), owner.Appliance is { } id ? Seen.PresenceOf(id) : null);
        var health = Seen.HealthOf(owner.Host);
        if (SilentOf(owner) is { } silent)
        {
            if (Probe is null && now >= _suspectAgainAt && HasBegun(machine, owner, servedEpoch))
            {
                said.Add(new SystemEvent.Suspected(silent.Phi, silent.Reason));
            }

            return;
        }

        if (host is null || (owner.Appliance is not null && appliance is null) || health is not { } report)
        {
            return;
        }

        if (report.Health.State == HealthState.Running && AccessVerdict(owner, machine, report.At, Later(report.StateSince, Seen.AliveSince(owner.Host)), now) is { } cut)
        {
            said.Add(new SystemEvent.Classified(cut));
            return;
        }

        if (report.Health.State == HealthState.Running)
        {
            if (_accessLostSince is null && machine.Phase is Phase.Suspect or Phase.Deciding or Phase.NeedsOperator && report.At > machine.Since)
            {
                Probe = null;
                said.Add(new SystemEvent.OwnerServes());
            }
        }
        else if (report.Health.State is HealthState.Failed or HealthState.Stopped && now - report.StateSince > OwnReportAfter && !Repairing && now >= _suspectAgainAt
            && servedEpoch == machine.Owner.Epoch && machine.Phase is Phase.Protected or Phase.FailbackReady or Phase.OnTrial)
        {
            _suspectAgainAt = now + SuspectAgainAfter;
            said.Add(new SystemEvent.Classified(_classify(Facts(owner, 0, 0, null, now) with { OwnReportFailed = true })));
        }
    }

    /// <summary>What was heard last of the one that is silent: the host, or its appliance; null while both are heard.</summary>
    private PresenceChange? SilentOf(SystemSite owner) =>
        Seen.PresenceOf(owner.Host) is { Alive: false } host ? host : owner.Appliance is { } id && Seen.PresenceOf(id) is { Alive: false } appliance ? appliance : null;

    /// <summary>
    /// False while a system is being set up: its host says of it that it does not run, and it has never been heard running under this epoch. Nobody is served by it, witnesses never reached it, so neither a
    /// silence of its host nor what they say of it is a loss; a person may still order anything. On trial it has just been found serving.
    /// </summary>
    private bool HasBegun(SystemState machine, SystemSite owner, Epoch servedEpoch) =>
        servedEpoch == machine.Owner.Epoch || machine.Phase == Phase.OnTrial || Seen.HealthOf(owner.Host) is null or { Health.State: HealthState.Running };

    /// <summary>
    /// The owner is heard and works, and its users outside cannot get in: no silence will ever tell, so it is looked for while all is well. Null while somebody gets in, and until the owner was
    /// heard running <see cref="AccessLostAfter"/> after they were shut out: one that has just died has said nothing since. What witnesses said before it ran and was heard, or just when it began to, is about the
    /// stop, not about the way in: a program that the site has started again is no reason to leave it. The same holds for what they said while the system was on its way here. Whoever outside spoke just
    /// before and has not spoken since is waited for: that somebody says nothing yet does not mean that he is shut out.
    /// </summary>
    private Verdict? AccessVerdict(SystemSite owner, SystemState machine, DateTimeOffset heardAt, DateTimeOffset runsSince, DateTimeOffset now)
    {
        if (!Seen.AnybodyShutOut(now))
        {
            _accessLostSince = null;
            return null;
        }

        var facts = Facts(owner, 0, 0, null, now);
        var since = machine.Phase is Phase.Protected or Phase.FailbackReady ? Later(runsSince, machine.Since) : runsSince;
        var (said, awaited) = (facts.Witnesses.Where(w => w.At - since >= AccessLostAfter).ToArray(), facts.Witnesses.Any(w => !w.InsideSite && w.At - since < AccessLostAfter && now - w.At <= SuspicionClassifier.FreshFor));
        if (awaited || _classify(facts with { Witnesses = said }) is not { Scope: FaultScope.Access } verdict)
        {
            _accessLostSince = null;
            return null;
        }

        _accessLostSince ??= now;
        var isNews = machine.Phase is Phase.Protected or Phase.FailbackReady || (machine is { Phase: Phase.Deciding, Run.Verdict: var known } && known?.IndependentKinds != verdict.IndependentKinds);
        return isNews && heardAt - _accessLostSince >= AccessLostAfter ? verdict : null;
    }

    /// <summary>What the old owner's store says of itself: it has seen the number to come and is no primary, so it refuses every write of before. No older report can say that.</summary>
    private FencingProof? ReadBack(SystemSite owner, SystemState machine, LiveRun run, DateTimeOffset now) =>
        Seen.VolumeOf(owner.Appliance) is { Status: { Role: not VolumeRole.Primary } status } && status.Epoch >= run.Epoch && run.From == owner.Site
            ? Runs.Proof(machine, FencingProofKind.StoreRefuses, $"{owner.Appliance}: {status.Name} is {status.Role} and has seen epoch {status.Epoch}", status.Durable, now)
            : null;
}
