using Dr.Contracts.Grains;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Silo.Decisions.Detection;
using Dr.Silo.Decisions.Failover;
using Dr.Silo.Decisions.Observing;

namespace Dr.Silo.Tests.Decisions.Observing;

/// <summary>What a system's watcher says, in the cases that random years found wrong once.</summary>
public sealed class SystemWatchTests
{
    private static readonly SiteId Home = new("production");
    private static readonly SiteId Peer = new("backup");
    private static readonly DateTimeOffset Start = new(2026, 1, 6, 10, 0, 0, TimeSpan.Zero);

    private static readonly SystemSettings Settings = new()
    {
        Id = new SystemId("opac"),
        Name = "opac",
        Class = TakeoverClass.T,
        Home = Home,
        HomeSite = At(Home),
        PeerSite = At(Peer),
        Volume = "opac",
    };

    private readonly SystemWatch _watch = new();

    [Fact]
    public void A_copy_that_fails_is_tried_again_ever_more_seldom_and_never_called_lost_while_nobody_copies()
    {
        Alive(Start);
        var (state, lost, tried) = (State(Phase.Reversing, Start), new List<DateTimeOffset>(), new List<DateTimeOffset>());
        for (var now = Start; now < Start.AddHours(2); now += TimeSpan.FromMilliseconds(500))
        {
            Copy(CopyState.Failed, now);
            foreach (var evt in _watch.Observe(Settings, state, state.Owner.Epoch, now))
            {
                if (evt is SystemEvent.CopyLost)
                {
                    state.Phase.ShouldBe(Phase.Reversing, "nothing is copied, so nothing can be lost");
                    (state, _) = (State(Phase.FailedOver, now), lost);
                    lost.Add(now);
                }
                else if (evt is SystemEvent.PeerReturned && state.Phase == Phase.FailedOver)
                {
                    state = State(Phase.Reversing, now);
                    tried.Add(now);
                }
            }
        }

        // 10 s, 20 s, 40 s … 5 min, and each try has 5 s: some 25 in two hours, not one at every look.
        lost.Count.ShouldBeInRange(20, 40);
        tried.Count.ShouldBeInRange(20, 40);
        (tried[^1] - tried[^2]).ShouldBeGreaterThan(TimeSpan.FromMinutes(4));

        Copy(CopyState.Current, Start.AddHours(2));
        _watch.Observe(Settings, state, state.Owner.Epoch, Start.AddHours(2)).OfType<SystemEvent.CopyCurrent>().ShouldNotBeEmpty();
    }

    [Theory]
    [InlineData(Phase.Seeding, false)]
    [InlineData(Phase.Reversing, false)]
    [InlineData(Phase.Protected, true)]
    [InlineData(Phase.FailbackReady, true)]
    public void A_first_copy_under_way_is_a_loss_only_where_a_complete_one_was_counted_on(Phase phase, bool isLost)
    {
        Alive(Start);
        var state = State(phase, Start);
        Copy(CopyState.Seeding, Start);
        Copy(CopyState.Seeding, Start.AddMinutes(10));
        _watch.Observe(Settings, state, state.Owner.Epoch, Start.AddMinutes(10)).Any(e => e is SystemEvent.CopyLost).ShouldBe(isLost);
    }

    [Fact]
    public void What_witnesses_said_of_a_stop_is_no_reason_to_leave_a_site_that_has_mended_itself()
    {
        Alive(Start);
        var state = State(Phase.Protected, Start);
        Copy(CopyState.Current, Start);
        Health(HealthState.Failed, Start.AddMinutes(1));
        Blind(Start.AddMinutes(1).AddSeconds(5));
        for (var second = 12; second < 35; second++)
        {
            var now = Start.AddMinutes(1).AddSeconds(second);
            Health(HealthState.Running, now);
            _watch.Observe(Settings, state, state.Owner.Epoch, now).Any(e => e is SystemEvent.Classified).ShouldBeFalse($"{second} s");
        }

        // Who cannot get in now that it runs is another matter.
        Blind(Start.AddMinutes(2));
        List<SystemEvent> said = [];
        for (var second = 0; second < 10; second++)
        {
            Health(HealthState.Running, Start.AddMinutes(2).AddSeconds(second));
            said.AddRange(_watch.Observe(Settings, state, state.Owner.Epoch, Start.AddMinutes(2).AddSeconds(second)));
        }

        said.OfType<SystemEvent.Classified>().First().Verdict.Scope.ShouldBe(FaultScope.Access);
    }

    [Fact]
    public void What_witnesses_said_while_it_moved_is_no_reason_to_move_it_back()
    {
        Alive(Start);
        Health(HealthState.Running, Start);
        Blind(Start.AddMinutes(1));
        var state = State(Phase.Protected, Start.AddMinutes(1).AddSeconds(2));
        for (var second = 2; second < 30; second++)
        {
            var now = Start.AddMinutes(1).AddSeconds(second);
            Health(HealthState.Running, now);
            _watch.Observe(Settings, state, state.Owner.Epoch, now).Any(e => e is SystemEvent.Classified).ShouldBeFalse($"{second} s");
        }
    }

    [Fact]
    public void What_witnesses_said_while_its_host_stood_still_is_no_reason_to_leave()
    {
        Alive(Start);
        Health(HealthState.Running, Start);
        var state = State(Phase.Protected, Start);
        Presence(alive: false, Start.AddMinutes(1));
        Blind(Start.AddMinutes(1).AddSeconds(3));
        Presence(alive: true, Start.AddMinutes(1).AddSeconds(4));
        for (var second = 4; second < 30; second++)
        {
            var now = Start.AddMinutes(1).AddSeconds(second);
            Health(HealthState.Running, now);
            _watch.Observe(Settings, state, state.Owner.Epoch, now).Any(e => e is SystemEvent.Classified).ShouldBeFalse($"{second} s");
        }
    }

    [Theory]
    [InlineData(Phase.Protected, false)]
    [InlineData(Phase.Seeding, false)]
    [InlineData(Phase.OnTrial, true)]
    public void The_silence_of_a_host_on_which_the_system_never_ran_is_no_loss(Phase phase, bool isSuspect)
    {
        // While it is being set up nobody can reach it: under load its host is late once, and every witness says what it has always said.
        Alive(Start);
        Health(HealthState.Stopped, Start);
        Presence(alive: false, Start.AddSeconds(9));
        Blind(Start.AddSeconds(10));
        _watch.Observe(Settings, State(phase, Start), Epoch.None, Start.AddSeconds(10)).Any(e => e is SystemEvent.Suspected).ShouldBe(isSuspect);

        // What was heard running once is suspected, also when it was stopped before its host fell silent.
        _watch.Observe(Settings, State(phase, Start), Epoch.First, Start.AddSeconds(11)).Any(e => e is SystemEvent.Suspected).ShouldBeTrue();
    }

    [Fact]
    public void A_round_in_which_we_hardly_asked_says_nothing_of_who_did_not_answer()
    {
        var round = new ProbeSession(Start, Start + Budgets.Probing, [Settings.HomeSite.Host], new Ownership(Epoch.First, Home)) { Sent = ProbeSession.LeastSent - 1 };
        round.WasHeldUp.ShouldBeTrue();
        round.Sent++;
        round.WasHeldUp.ShouldBeFalse();
    }

    [Fact]
    public void A_round_of_asking_ends_with_the_suspicion()
    {
        Alive(Start);
        Health(HealthState.Running, Start);
        _watch.BeginProbing(Settings, State(Phase.Suspect, Start), Start + Budgets.Probing, Start);
        _watch.Observe(Settings, State(Phase.Suspect, Start), Epoch.First, Start);
        _watch.Probe.ShouldNotBeNull();
        _watch.Observe(Settings, State(Phase.Protected, Start.AddSeconds(2)), Epoch.First, Start.AddSeconds(2));
        _watch.Probe.ShouldBeNull("it would bring a finding about a time that is over");
    }

    [Fact]
    public void A_round_whose_suspicion_ended_at_this_very_look_has_nothing_to_say()
    {
        Alive(Start);
        _watch.BeginProbing(Settings, State(Phase.Suspect, Start), Start + Budgets.Probing, Start);
        _watch.RoundFor(State(Phase.Suspect, Start)).ShouldNotBeNull();
        _watch.RoundFor(State(Phase.FailbackReady, Start.AddSeconds(2))).ShouldBeNull();
        _watch.RoundFor(State(Phase.Suspect, Start.AddSeconds(3))).ShouldBeNull("a new suspicion begins a round of its own");
    }

    [Fact]
    public void A_round_about_the_old_owner_says_nothing_of_the_new_one()
    {
        // A person approves, or orders, while the old owner is being asked: its silence is no finding about the site that serves since.
        Alive(Start);
        _watch.BeginProbing(Settings, State(Phase.Suspect, Start), Start + Budgets.Probing, Start);
        _watch.RoundFor(State(Phase.Fencing, Start)).ShouldNotBeNull();
        _watch.RoundFor(State(Phase.OnTrial, Start) with { Owner = new Ownership(new Epoch(2), Peer) }).ShouldBeNull();
    }

    [Fact]
    public void A_silent_owner_counts_as_answering_until_its_lease_has_lapsed_by_the_slower_clock()
    {
        Alive(Start);
        Copy(CopyState.Current, Start);
        _watch.Seen.Hear(Settings.PeerSite.Appliance!.Value, Status(VolumeRole.Replica, []) with { CurrentAsOf = Start }, Start);
        _watch.LastGrant = Start.AddSeconds(10);
        _watch.Seen.Hear(new PresenceChange { Device = Settings.HomeSite.Appliance!.Value, Site = Home, Alive = false, LastHeard = Start, Reason = "silent" });
        var loss = _watch.Assess(Settings, State(Phase.Protected, Start) with { LeaseAsked = Epoch.First }, Start.AddMinutes(1)).Loss.Age.ShouldNotBeNull();
        loss.ShouldBe(TimeSpan.FromSeconds(10) + (Settings.LeaseTtl * (1 + LeaseClock.DriftRho)));
    }

    [Theory]
    [InlineData(null, false, 0d)]
    [InlineData(MirrorState.Whole, false, 0d)]
    [InlineData(MirrorState.OutOfDate, false, 60d)]
    [InlineData(MirrorState.Whole, true, null)]
    [InlineData(null, true, null)]
    public void What_a_mirror_knows_of_itself_counts_more_than_its_owners_word_that_it_is_whole(MirrorState? itself, bool differs, double? seconds)
    {
        Alive(Start);
        _watch.StoredMirrorsHeard = true;
        var mirror = new CopyStatus { Peer = Settings.PeerSite.Replication!, Mode = CopyMode.Sync, State = CopyState.Connecting, Mirror = MirrorState.Whole, MirrorRecord = 5 };
        _watch.Seen.Hear(Settings.HomeSite.Appliance!.Value, Status(VolumeRole.Primary, [mirror]), Start);
        var copy = Status(VolumeRole.Replica, []) with { CurrentAsOf = Start, Mirror = itself, Differs = differs, Durable = new SequenceNumber(9), Appended = new SequenceNumber(9) };
        _watch.Seen.Hear(Settings.PeerSite.Appliance!.Value, copy, Start);
        var settings = Settings with { CopyMode = CopyMode.Sync };
        var state = State(Phase.Protected, Start);

        TimeSpan? expected = seconds is { } s ? TimeSpan.FromSeconds(s) : null;
        _watch.Assess(settings, state, Start.AddMinutes(1)).Loss.Age.ShouldBe(expected);

        // The old owner has stopped after a write whose number the copy has: that is the same write only where the copy is its owner's.
        var proof = new FencingProof { Kind = FencingProofKind.OwnerStopped, FencedEpoch = Epoch.First, At = Start, By = "production", LastSequence = new SequenceNumber(9) };
        var run = new LiveRun { Id = new RunId("r"), Kind = RunPurpose.Failover, From = Home, To = Peer, Epoch = new Epoch(2), StartedAt = Start, StartedBy = "li", Proof = proof };
        _watch.Assess(settings, state with { Run = run }, Start.AddMinutes(1)).Loss.Age.ShouldBe(differs ? null : TimeSpan.Zero);
    }

    [Theory]
    [InlineData(FaultScope.Line)]
    [InlineData(FaultScope.Branch)]
    [InlineData(FaultScope.None)]
    public void A_finding_that_the_owner_works_never_lets_a_takeover_begin_by_itself(FaultScope scope)
    {
        var rules = new TakeoverRules { Home = Home, Peer = Peer, Class = TakeoverClass.R, Approval = ApprovalMode.Automatic, HasVolume = false };
        var state = SystemState.New(Settings.Id, rules, new Ownership(Epoch.First, Home), Start) with { Phase = Phase.Protected };
        var unclear = new Verdict { Scope = FaultScope.Unclear, Evidence = EvidenceKinds.MissedBeats, At = Start };
        state = FailoverMachine.Apply(state with { Phase = Phase.Suspect, ReturnTo = Phase.Protected }, new SystemEvent.Classified(unclear), Start).Next;
        state.Phase.ShouldBe(Phase.Deciding);
        state = FailoverMachine.Apply(state, new SystemEvent.TakeoverAssessed(state.Run!.Id, new Assessment { Loss = new PredictedLoss { Age = TimeSpan.Zero, Basis = "none" }, PeerReady = true, At = Start }), Start).Next;
        state.Phase.ShouldBe(Phase.Deciding);
        var verdict = new Verdict { Scope = scope, Evidence = EvidenceKinds.Witnesses, At = Start };
        FailoverMachine.Apply(state, new SystemEvent.Classified(verdict), Start).Next.Phase.ShouldNotBe(Phase.Fencing);
    }

    [Fact]
    public void An_owner_writes_under_a_lease_when_its_store_asks_for_one_and_no_more_when_it_reports_and_asks_no_more()
    {
        var state = State(Phase.Protected, Start);
        bool? Says(int second, SystemState machine) => _watch.Observe(Settings, machine, Epoch.First, Start.AddSeconds(second)).OfType<SystemEvent.LeaseHeard>().SingleOrDefault()?.Asks;
        void Asks(int epoch, int second) => _watch.HearLease(new LeaseRequest { System = Settings.Id, Epoch = new Epoch(epoch), Extendable = false }, Start.AddSeconds(second));
        Alive(Start);
        Copy(CopyState.Current, Start);
        Says(0, state).ShouldBeNull("nobody has asked, and it is not believed that anybody does");
        Asks(1, 1);
        Says(1, state).ShouldBe(true);

        state = state with { LeaseAsked = Epoch.First };
        Says(2, state).ShouldBeNull("it is known");
        Says(600, state).ShouldBeNull("silence says nothing");
        Copy(CopyState.Current, Start.AddSeconds(31));
        Says(601, state).ShouldBeNull("a request may be lost");
        Copy(CopyState.Current, Start.AddSeconds(32));
        Says(602, state).ShouldBe(false);
        Asks(1, 603);
        Says(603, state with { LeaseAsked = Epoch.None }).ShouldBe(true);
        Says(604, state with { Owner = new Ownership(new Epoch(2), Peer) }).ShouldBeNull("that was the owner of before");
    }

    [Fact]
    public void An_owner_counts_as_heard_when_nothing_of_it_is_silent_and_it_has_reported_since()
    {
        bool Heard(int second) => _watch.Assess(Settings, State(Phase.Deciding, Start), Start.AddSeconds(second)).OwnerHeard;
        Heard(0).ShouldBeFalse("nobody knows who is there");
        Alive(Start);
        Heard(0).ShouldBeFalse("it has said nothing of the system");
        Health(HealthState.Failed, Start);
        Heard(1).ShouldBeTrue();
        Presence(alive: false, Start);
        Heard(20).ShouldBeFalse("its host is silent");
        Presence(alive: true, Start.AddSeconds(21));
        Heard(21).ShouldBeFalse("what it reported was before its silence");
        Health(HealthState.Failed, Start.AddSeconds(22));
        Heard(22).ShouldBeTrue();
        _watch.Seen.Hear(new PresenceChange { Device = Settings.HomeSite.Appliance!.Value, Site = Home, Alive = false, LastHeard = Start, Reason = "silent" });
        Heard(23).ShouldBeFalse("its appliance is silent");
    }

    [Theory]
    [InlineData(FencingProofKind.OwnerStopped)]
    [InlineData(FencingProofKind.StoreRefuses)]
    public void What_an_owner_that_is_there_says_is_its_last_write_is_waited_for_before_ownership_is_claimed(FencingProofKind kind)
    {
        var proof = new FencingProof { Kind = kind, FencedEpoch = Epoch.First, At = Start, By = "production", LastSequence = new SequenceNumber(9) };
        var accepted = new Assessment { Loss = new PredictedLoss { Age = TimeSpan.FromSeconds(1), Basis = "before" }, PeerReady = true, At = Start };
        var run = new LiveRun
        {
            Id = new RunId("r"), Kind = RunPurpose.Failover, From = Home, To = Peer, Epoch = new Epoch(2), StartedAt = Start, StartedBy = "li", ApprovedBy = "li", LeasesStopped = true, Proof = proof, Assessment = accepted,
        };
        var state = State(Phase.Fencing, Start) with { Run = run };
        SystemState Weigh(TimeSpan loss, TimeSpan after) =>
            FailoverMachine.Apply(state, new SystemEvent.TakeoverAssessed(run.Id, accepted with { Loss = new PredictedLoss { Age = loss, Basis = "the copy" } }), Start + after).Next;

        Weigh(TimeSpan.FromSeconds(0.2), TimeSpan.FromSeconds(1)).Run!.ClaimSent.ShouldBeFalse("the rest is on its way");
        Weigh(TimeSpan.Zero, TimeSpan.FromSeconds(1)).Run!.ClaimSent.ShouldBeTrue();
        Weigh(TimeSpan.FromSeconds(0.2), Budgets.CatchUp).Run!.ClaimSent.ShouldBeTrue("nobody waits longer");
    }

    [Fact]
    public void A_person_need_not_wait_for_the_end_of_the_probing()
    {
        var rules = new TakeoverRules { Home = Home, Peer = Peer };
        var suspect = SystemState.New(Settings.Id, rules, new Ownership(Epoch.First, Home), Start) with { Phase = Phase.Suspect, ReturnTo = Phase.FailbackReady };
        var ordered = FailoverMachine.Apply(suspect, new SystemEvent.StartFailover("li", new RunId("r"), "it burns"), Start).Next;
        (ordered.Phase, ordered.Run!.ApprovedBy, ordered.ReturnTo).ShouldBe((Phase.Deciding, "li", Phase.FailbackReady));

        // What the probing finds afterwards is nobody's decision any more; called off, it is where it was.
        FailoverMachine.Apply(ordered, new SystemEvent.Classified(new Verdict { Scope = FaultScope.None }), Start).Applied.ShouldBeFalse();
        FailoverMachine.Apply(ordered, new SystemEvent.Abort("li", new RunId("r")), Start).Next.Phase.ShouldBe(Phase.FailbackReady);
        FailoverMachine.Apply(suspect, new SystemEvent.StartForce("li", new RunId("r"), "it burns", "I saw it"), Start).Next.Phase.ShouldBe(Phase.Deciding);
    }

    private static SystemSite At(SiteId site) => new() { Site = site, Host = new DeviceId($"{site}-host"), Appliance = new DeviceId($"{site}-appliance"), Replication = $"{site}:1" };

    private static SystemState State(Phase phase, DateTimeOffset since) =>
        SystemState.New(Settings.Id, new TakeoverRules { Home = Home, Peer = Peer }, new Ownership(Epoch.First, Home), since) with { Phase = phase, Since = since, Deadline = since.AddYears(1) };

    private void Alive(DateTimeOffset at)
    {
        foreach (var device in new[] { Settings.HomeSite.Host, Settings.HomeSite.Appliance!.Value, Settings.PeerSite.Host, Settings.PeerSite.Appliance!.Value })
        {
            _watch.Seen.Hear(new PresenceChange { Device = device, Site = Home, Alive = true, LastHeard = at, Reason = "heard" });
        }
    }

    private void Presence(bool alive, DateTimeOffset at) =>
        _watch.Seen.Hear(new PresenceChange { Device = Settings.HomeSite.Host, Site = Home, Alive = alive, LastHeard = at, Reason = "test" });

    private void Health(HealthState state, DateTimeOffset at) => _watch.Seen.Hear(Settings.HomeSite.Host, new SystemHealth { System = Settings.Id, State = state }, at);

    private void Blind(DateTimeOffset at)
    {
        for (var n = 0; n < 4; n++)
        {
            _watch.Seen.Hear(new DeviceId($"kiosk-{n}"), new SiteId($"street-{n}"), State(Phase.Protected, Start), new ReachReport { Target = "system:opac", Reachable = false, At = at }, at);
        }
    }

    private void Copy(CopyState state, DateTimeOffset at) =>
        _watch.Seen.Hear(Settings.HomeSite.Appliance!.Value, Status(VolumeRole.Primary, [new CopyStatus { Peer = Settings.PeerSite.Replication!, Mode = CopyMode.Stream, State = state }]), at);

    private static VolumeStatus Status(VolumeRole role, IReadOnlyList<CopyStatus> copies) => new()
    {
        Volume = VolumeId.Create("00000000000000000000000000000001"), Name = "opac", SizeBytes = 1, Role = role, Epoch = Epoch.First, Generation = default,
        Appended = default, Durable = default, Writable = true, Copies = copies,
    };
}
