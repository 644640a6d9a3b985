using CsCheck;
using Dr.Contracts.Grains;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Silo.Decisions.Detection;
using Dr.Silo.Decisions.Failover;
using Dr.Silo.Decisions.Observing;

namespace Dr.Silo.Tests.Decisions.Observing;

/// <summary>How far witnesses are believed: no two that lie, and no number of them behind one line, take a system away from a site that serves it.</summary>
public sealed class WitnessTests
{
    private static readonly SiteId Home = new("production");
    private static readonly SiteId Peer = new("backup");
    private static readonly DateTimeOffset Start = new(2026, 1, 6, 10, 0, 0, TimeSpan.Zero);

    private static readonly Gen<World> Worlds =
        from kind in Gen.Bool
        from liars in Gen.Int[0, 2]
        from honest in Gen.Int[0, 4]
        from desks in Gen.Int[0, 4]
        from moments in Gen.Int[0, 59].Array[6]
        from phases in Gen.Int[0, 19].Array[11]
        from what in Gen.Bool.Array[5]
        from lease in Gen.Enum<Lease>()
        from still in Gen.Bool
        select new World
        {
            Class = kind ? TakeoverClass.T : TakeoverClass.R,
            Liars = liars,

            // Of who is heard while we hear nothing of the owner, one tells the truth; while it is heard, nobody has to.
            Honest = what[1] && liars > 0 ? Math.Max(1, honest) : honest,
            Desks = desks,
            Phases = phases,
            LineCut = what[0] ? Between(moments[0], moments[1]) : (99, 99),
            ControlCut = what[1] ? Between(moments[2], moments[3]) : (99, 99),
            Stop = what[2] ? (moments[4], moments[4] + 6) : (99, 99),
            LieFrom = what[3] ? moments[5] : 0,
            SaysOutside = what[4],
            Lease = lease,
            CopyStillFrom = still ? moments[2] : 99,
        };

    [Fact]
    public void Nobody_takes_a_system_away_by_itself_from_a_site_that_serves_it() =>
        Worlds.Sample(world =>
        {
            var play = new Play(world);
            play.Until(70);
            play.TakenFromUsers.ShouldBeFalse(string.Join("; ", play.Said));
        }, iter: 10_000);

    /// <summary>The programs of its site stand still, and the kernel, or a database whose disk hangs, goes on letting people in.</summary>
    [Theory]
    [InlineData(Lease.Ours, 20, true)]
    [InlineData(Lease.Ours, 99, false)]
    [InlineData(Lease.Ours, 14, false)]
    [InlineData(Lease.Ours, 25, false)]
    [InlineData(Lease.Extendable, 20, false)]
    [InlineData(Lease.None, 20, false)]
    public void An_owner_that_stands_still_behind_an_open_door_is_taken_over_once_it_surely_serves_nobody(Lease lease, int copyStillFrom, bool taken)
    {
        var play = new Play(new World { Class = TakeoverClass.T, Honest = 3, Phases = [.. Enumerable.Range(0, 11)], ControlCut = (20, 99), Lease = lease, CopyStillFrom = copyStillFrom });
        play.Until(70);
        play.Phases.Contains(Phase.Fencing).ShouldBe(taken, string.Join("; ", play.Said));
        if (taken)
        {
            // Last granted at second 19; suspected at 23 in this world, and asked for 5 s.
            play.FencingAt!.Value.ShouldBeInRange(28, 29);
            play.Said.ShouldNotContain(s => s.Contains("Line by", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Witnesses_are_asked_again_when_the_lease_lapses_and_a_round_that_began_before_is_followed_by_another()
    {
        var (shut, watch, state) = (Start.AddSeconds(3), new SystemWatch(), World.StateOf(TakeoverClass.T) with { Phase = Phase.Suspect });
        var settings = World.SettingsOf(TakeoverClass.T, Lease.Ours);
        var round = new ProbeSession(Start, Start.AddSeconds(5), [settings.HomeSite.Host], state.Owner);
        round.WitnessesAreDue(shut, Start).ShouldBeTrue();
        round.WitnessesAskedAt = Start;
        round.WitnessesAreDue(shut, Start.AddSeconds(2)).ShouldBeFalse();
        round.WitnessesAreDue(null, Start.AddSeconds(4)).ShouldBeFalse();
        round.WitnessesAreDue(shut, shut).ShouldBeTrue();
        round.WitnessesAskedAt = shut;
        round.WitnessesAreDue(shut, Start.AddSeconds(4)).ShouldBeFalse();

        watch.Seen.Hear(new PresenceChange { Device = settings.HomeSite.Host, Site = Home, Alive = false, LastHeard = Start, Reason = "test" });
        bool SuspectsAt(int second) => watch.Observe(settings, state with { Phase = Phase.Protected }, Epoch.First, Start.AddSeconds(second)).Any(e => e is SystemEvent.Suspected);
        (DateTimeOffset? Shut, int Granted, int Again)[] rounds = [(null, -5, 35), (Start.AddSeconds(3), -5, 5), (Start.AddSeconds(9), -5, 9), (Start.AddSeconds(50), -5, 35), (Start, -5, 35), (Start.AddSeconds(9), 1, 35)];
        foreach (var (lapse, granted, again) in rounds)
        {
            watch.LastGrant = Start.AddSeconds(granted);
            watch.BeginProbing(settings, state, Start.AddSeconds(5), Start);
            watch.EndProbing(unjudged: false, lapse, Start.AddSeconds(5));
            SuspectsAt(again - 1).ShouldBeFalse($"{lapse}");
            SuspectsAt(again).ShouldBeTrue($"{lapse}");
        }
    }

    [Theory]
    [InlineData(FaultScope.Application)]
    [InlineData(FaultScope.Access)]
    public void Witnesses_alone_never_end_the_wait_for_a_person_about_an_owner_that_is_there(FaultScope scope)
    {
        var state = World.StateOf(TakeoverClass.R) with { Phase = Phase.Suspect, ReturnTo = Phase.Protected };
        state = FailoverMachine.Apply(state, new SystemEvent.Classified(new Verdict { Scope = FaultScope.Unclear, Evidence = EvidenceKinds.MissedBeats, At = Start }), Start).Next;
        state = FailoverMachine.Apply(state, new SystemEvent.TakeoverAssessed(state.Run!.Id, new Assessment { Loss = new PredictedLoss { Age = TimeSpan.Zero, Basis = "none" }, PeerReady = true, InstanceRuns = true, At = Start }), Start).Next;
        FailoverMachine.Apply(state, new SystemEvent.Classified(new Verdict { Scope = scope, Evidence = EvidenceKinds.Witnesses, At = Start }), Start).Next.Phase.ShouldBe(Phase.Deciding);
        FailoverMachine.Apply(state, new SystemEvent.Classified(new Verdict { Scope = scope, Evidence = EvidenceKinds.Witnesses | EvidenceKinds.OwnReport, At = Start }), Start).Next.Phase.ShouldBe(Phase.Fencing);
    }

    /// <summary>Without this the property above holds for a watcher that never acts at all.</summary>
    [Theory]
    [InlineData(TakeoverClass.R)]
    [InlineData(TakeoverClass.T)]
    public void A_lost_owner_and_a_lost_way_in_that_the_site_reports_itself_are_taken_over(TakeoverClass kind)
    {
        var lost = new Play(new World { Class = kind, Honest = 2, Phases = [.. Enumerable.Range(0, 11)], Dead = 20 });
        lost.Until(70);
        lost.Phases.ShouldContain(Phase.Fencing, string.Join("; ", lost.Said));
        var shut = new Play(new World { Class = kind, Honest = 2, Phases = [.. Enumerable.Range(0, 11)], AccessCut = 20, SaysOutside = true });
        shut.Until(70);
        shut.Phases.ShouldContain(Phase.Fencing, string.Join("; ", shut.Said));
        var unsaid = new Play(new World { Class = kind, Honest = 4, Phases = [.. Enumerable.Range(0, 11)], AccessCut = 20 });
        unsaid.Until(70);
        (unsaid.Phases.Contains(Phase.Deciding), unsaid.Phases.Contains(Phase.Fencing)).ShouldBe((true, false), "street kiosks alone ask a person");
    }

    [Fact]
    public void Whoever_spoke_before_a_restart_and_not_since_is_waited_for_and_no_person_is_called()
    {
        // Two that lie and one behind the cut line speak first after the restart, four honest ones last.
        var play = new Play(new World { Class = TakeoverClass.R, Liars = 2, Honest = 4, Desks = 1, Phases = [1, 2, 15, 16, 17, 18, 3, 0, 0, 0, 0], Stop = (13, 17), LineCut = (19, 40), LieFrom = 19 });
        play.Until(35);
        play.Phases.ShouldBe([Phase.Protected], string.Join("; ", play.Said));
    }

    [Fact]
    public void A_site_that_does_not_get_out_itself_tells_nothing_of_the_other_one()
    {
        var watch = new SystemWatch();
        var state = World.StateOf(TakeoverClass.T);
        watch.Seen.Hear(new DeviceId("backup-desk"), Peer, state, new ReachReport { Target = "system", Reachable = false, At = Start }, Start);
        IReadOnlyList<WitnessReport> Seen() => watch.Facts(World.SettingsOf(TakeoverClass.T).HomeSite, 0, 0, null, Start).Witnesses;
        Seen().Count.ShouldBe(1);
        watch.Seen.HearOutside(new DeviceId("backup-appliance"), Peer, reachable: false, Start);
        Seen().ShouldBeEmpty();
        watch.Seen.Hear(new DeviceId("backup-desk"), Peer, state, new ReachReport { Target = "system", Reachable = true, At = Start }, Start);
        Seen().Count.ShouldBe(1, "who reaches it is there to say so");
    }

    [Fact]
    public void All_devices_of_either_site_look_by_one_line_and_kiosks_each_by_its_own()
    {
        var seen = new SystemObservations();
        foreach (var (device, site) in new[] { ("d1", Home), ("d2", Home), ("d3", Peer), ("d4", Peer), ("k1", new SiteId("street")), ("k2", new SiteId("street")) })
        {
            seen.Hear(new DeviceId(device), site, World.StateOf(TakeoverClass.T), new ReachReport { Target = "system", Reachable = false, At = Start }, Start);
        }

        seen.Witnesses.Select(w => w.Path).Distinct().ShouldBe([Home.Value, Peer.Value, "k1", "k2"]);
    }

    private static (int From, int To) Between(int one, int other) => (Math.Min(one, other), Math.Max(one, other) + 1);

    /// <summary>Who decides how long the owner may serve.</summary>
    public enum Lease
    {
        /// <summary>Nobody: it has no volume.</summary>
        None,

        /// <summary>We alone.</summary>
        Ours,

        /// <summary>Its copies, too, and they always do.</summary>
        Extendable,
    }

    /// <summary>Seconds from the start; 99 = never.</summary>
    private sealed record World
    {
        public required TakeoverClass Class { get; init; }

        public int Liars { get; init; }

        public int Honest { get; init; }

        /// <summary>Devices at the other site.</summary>
        public int Desks { get; init; }

        /// <summary>When each speaks, in its rhythm of 20 s: liars, honest kiosks, desks.</summary>
        public required int[] Phases { get; init; }

        public (int From, int To) LineCut { get; init; } = (99, 99);

        public (int From, int To) ControlCut { get; init; } = (99, 99);

        public (int From, int To) Stop { get; init; } = (99, 99);

        public int LieFrom { get; init; }

        public bool SaysOutside { get; init; }

        public Lease Lease { get; init; }

        /// <summary>From then on the copy hears nothing of its source.</summary>
        public int CopyStillFrom { get; init; } = 99;

        public int Dead { get; init; } = 99;

        public int AccessCut { get; init; } = 99;

        public static SystemSettings SettingsOf(TakeoverClass kind, Lease lease = Lease.None) => new()
        {
            Volume = lease == Lease.None ? null : "web",
            Id = new SystemId("web"),
            Name = "web",
            Class = kind,
            Home = Home,
            HomeSite = At(Home),
            PeerSite = At(Peer),
            Approval = ApprovalMode.Automatic,
        };

        public static SystemState StateOf(TakeoverClass kind) =>
            SystemState.New(new SystemId("web"), TakeoverRules.Of(SettingsOf(kind)), new Ownership(Epoch.First, Home), Start) with { Phase = Phase.Protected, Since = Start.AddHours(-1), Deadline = Start.AddYears(1) };

        private static SystemSite At(SiteId site) => new() { Site = site, Host = new DeviceId($"{site}-host"), Appliance = site == Peer ? new DeviceId($"{site}-host") : null };
    }

    /// <summary>A watcher and the machine in a world whose owner serves as long as it is not <see cref="World.Dead"/>.</summary>
    private sealed class Play(World world)
    {
        private readonly SystemSettings _settings = World.SettingsOf(world.Class, world.Lease);
        private readonly SystemWatch _watch = new();
        private static readonly VolumeStatus Copy = new()
        {
            Volume = new VolumeId(Guid.Empty), Name = "web", SizeBytes = 1, Role = VolumeRole.Replica, Epoch = Epoch.First, Generation = default, Appended = default, Durable = default, Writable = false,
        };

        private SystemState _state = World.StateOf(world.Class);
        private DateTimeOffset _servesUntil;

        public List<Phase> Phases { get; } = [Phase.Protected];

        public List<string> Said { get; } = [];

        public int? FencingAt { get; private set; }

        /// <summary>A takeover began while users were served: an owner under our lease serves as long as it may hold one, any other as long as it lives.</summary>
        public bool TakenFromUsers { get; private set; }

        public void Until(int end)
        {
            Hear(_settings.PeerSite.Host, true, Start);
            for (var second = -20; second < end; second++)
            {
                var now = Start.AddSeconds(second);
                var heard = !In(second, world.ControlCut) && second < world.Dead;
                var owner = _settings.HomeSite.Host;
                if (_watch.Seen.IsAlive(owner) != heard && (heard || second >= Math.Min(world.ControlCut.From, world.Dead) + 3))
                {
                    Hear(owner, heard, now);
                }

                if (heard)
                {
                    (_watch.LastGrant, _servesUntil) = (now, world.Lease == Lease.Ours ? now + _settings.LeaseTtl : DateTimeOffset.MaxValue);
                    _watch.HearLease(new LeaseRequest { System = _settings.Id, Epoch = Epoch.First, Extendable = world.Lease == Lease.Extendable }, now);
                    _watch.Seen.Hear(owner, new SystemHealth { System = _settings.Id, State = Runs(second) ? HealthState.Running : HealthState.Stopped }, now);
                    if (world.SaysOutside)
                    {
                        _watch.Seen.HearOutside(new DeviceId("production-desk"), Home, second < world.AccessCut, now);
                    }
                }

                HearCopy(Math.Min(second, world.CopyStillFrom), now);
                Speak(second, now, all: false);
                Look(second, now, heard);
            }
        }

        private static bool In(int second, (int From, int To) span) => second >= span.From && second < span.To;

        private bool Runs(int second) => second < world.Dead && !In(second, world.Stop);

        private void Hear(DeviceId host, bool alive, DateTimeOffset now) => _watch.Seen.Hear(new PresenceChange { Device = host, Site = Home, Alive = alive, LastHeard = now, Reason = "test" });

        private void HearCopy(int position, DateTimeOffset now) => _watch.Seen.Hear(_settings.PeerSite.Appliance!.Value, Copy with { CurrentAsOf = Start.AddSeconds(position) }, now);

        private void Speak(int second, DateTimeOffset now, bool all)
        {
            for (var n = 0; n < world.Liars + world.Honest + world.Desks; n++)
            {
                if (!all && (second + 20) % 20 != world.Phases[n])
                {
                    continue;
                }

                var desk = n - world.Liars - world.Honest;
                var truth = second < world.Dead && second < world.AccessCut && !(desk >= 0 && In(second, world.LineCut));
                var lies = n < world.Liars && second >= world.LieFrom;
                var report = new ReachReport { Target = "system", Reachable = truth != lies, TransactionFailed = !lies && truth && !Runs(second), At = now };
                _watch.Seen.Hear(new DeviceId(desk >= 0 ? $"backup-desk-{desk}" : $"kiosk-{n}"), desk >= 0 ? Peer : new SiteId("street"), _state, report, now);
            }
        }

        private void Look(int second, DateTimeOffset now, bool heard)
        {
            foreach (var evt in _watch.Observe(_settings, _state, Epoch.First, now))
            {
                Apply(evt, second, now);
            }

            var shut = _watch.GateShutAt(_settings, _state);
            if (_watch.RoundFor(_state) is { } round && round.WitnessesAreDue(shut, now))
            {
                round.WitnessesAskedAt = now;
                Speak(second, now, all: true);
            }

            if (_watch.RoundFor(_state) is { } probe && now >= probe.Until)
            {
                var verdict = _watch.Classify(_watch.Facts(_settings, _state, 5, heard ? 5 : 0, null, now));
                _watch.EndProbing(false, shut, now);
                Apply(new SystemEvent.Classified(verdict), second, now);
            }
        }

        private void Apply(SystemEvent evt, int second, DateTimeOffset now)
        {
            var step = FailoverMachine.Apply(_state, evt, now);
            if (!step.Applied)
            {
                return;
            }

            _state = step.Next;
            Said.Add($"{second} s {evt}");
            if (Phases[^1] != _state.Phase)
            {
                Phases.Add(_state.Phase);
                if (_state.Phase == Phase.Fencing)
                {
                    FencingAt ??= second;
                    TakenFromUsers |= Runs(second) && now < _servesUntil;
                }
            }

            foreach (var effect in step.Effects)
            {
                switch (effect)
                {
                    case SystemEffect.ProbeOwner ask:
                        _watch.BeginProbing(_settings, _state, ask.Until, now);
                        break;
                    case SystemEffect.AssessTakeover assess:
                        Apply(new SystemEvent.TakeoverAssessed(assess.Run, new Assessment { Loss = new PredictedLoss { Age = TimeSpan.Zero, Basis = "none" }, PeerReady = true, InstanceRuns = true, At = now }), second, now);
                        break;
                }
            }
        }
    }
}
