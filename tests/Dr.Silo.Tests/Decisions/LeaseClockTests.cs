using CsCheck;
using Dr.Contracts.Grains;
using Dr.Contracts.Ids;
using Dr.Silo.Decisions.Failover;

namespace Dr.Silo.Tests.Decisions;

public sealed class LeaseClockTests
{
    private static readonly DateTimeOffset Start = DateTimeOffset.UnixEpoch;

    [Fact]
    public void The_holder_has_always_stopped_before_anybody_else_may_go_on() =>
        Gen.Select(Gen.Double[0.5, 60], Gen.Double[-LeaseClock.DriftRho * 0.99, LeaseClock.DriftRho * 0.99], Gen.Double[0, 2], Gen.Double[0, 30]).Sample(
            (ttlSeconds, drift, delay, waited) =>
            {
                // The holder sent its request, the grant was given a little later, and the holder's clock runs wrong by the drift.
                var ttl = TimeSpan.FromSeconds(ttlSeconds);
                var granted = Start + TimeSpan.FromSeconds(delay);
                var holderStops = Start + (ttl / (1 + drift));
                var fenced = LeaseClock.FencedAt(granted, ttl, granted + TimeSpan.FromSeconds(waited));
                fenced.ShouldBeGreaterThan(holderStops + LeaseClock.GateTime);
            },
            iter: 10_000);

    [Fact]
    public void No_change_of_the_rules_lets_anybody_else_go_on_before_a_lease_that_was_granted_has_ended() =>
        Gen.Select(Gen.Double[2, 60], Gen.Select(Gen.Int[0, 3], Gen.Double[0, 20], Gen.Double[1, 60]).Array[0, 12]).Sample(
            (firstSeconds, steps) =>
            {
                var state = SystemState.New(new SystemId("dilas"), Rules(firstSeconds), new Ownership(Epoch.First, new SiteId("production")), Start);
                var (now, granted, ends, ttl) = (Start, (DateTimeOffset?)null, Start, TimeSpan.FromSeconds(firstSeconds));
                foreach (var (kind, after, seconds) in steps)
                {
                    now += TimeSpan.FromSeconds(after);
                    if (kind == 0)
                    {
                        // Below 5 the rules need no lease; who asks is granted one all the same.
                        state = state.Under(Rules(seconds < 5 ? null : seconds), ttl, now);
                        ttl = TimeSpan.FromSeconds(seconds);
                    }
                    else
                    {
                        // The holder's clock runs slow, and its request took no time.
                        var until = now + (ttl / (1 - (LeaseClock.DriftRho * 0.99)));
                        (granted, ends) = (now, until > ends ? until : ends);
                    }
                }

                if (state.Rules.LeaseTtl is not null)
                {
                    LeaseClock.FencedAt(state, null, now).ShouldBeGreaterThan(ends + LeaseClock.GateTime);
                    LeaseClock.FencedAt(state, granted ?? now, now).ShouldBeGreaterThan(ends + LeaseClock.GateTime);
                }
            },
            iter: 10_000);

    [Fact]
    public void A_promotion_that_is_under_way_when_the_rules_change_begins_with_a_lease_of_the_former_ones()
    {
        var run = new LiveRun { Id = new RunId("r"), Kind = RunPurpose.Failover, From = new SiteId("production"), To = new SiteId("backup"), Epoch = new Epoch(2), StartedAt = Start, StartedBy = "test" };
        var state = SystemState.New(new SystemId("dilas"), Rules(30), new Ownership(Epoch.First, new SiteId("production")), Start) with { Run = run, Deadline = Start + TimeSpan.FromMinutes(1) };

        LeaseClock.FencedAt(state.Under(Rules(2), TimeSpan.FromSeconds(30), Start), null, Start).ShouldBe(Start + TimeSpan.FromMinutes(1) + LeaseClock.FencingWait(TimeSpan.FromSeconds(30)));
    }

    [Theory]
    [InlineData(null, Phase.NeedsOperator)]
    [InlineData(1, Phase.Fencing)]
    public void A_lease_that_is_turned_on_is_a_proof_only_about_an_owner_that_was_heard_to_ask_for_it(int? askedUnder, Phase after)
    {
        var state = SystemState.New(new SystemId("dilas"), Rules(null), new Ownership(Epoch.First, new SiteId("production")), Start) with { Phase = Phase.Protected };
        state = state.Under(Rules(6), TimeSpan.FromSeconds(6), Start);
        state = askedUnder is { } epoch ? Apply(new SystemEvent.LeaseHeard(new Epoch(epoch), Asks: true), 1) : state;
        state = Apply(new SystemEvent.StartFailover("li", new RunId("r"), "it is gone"), 2);
        state = Apply(new SystemEvent.TakeoverAssessed(new RunId("r"), new Assessment { Loss = new PredictedLoss { Age = TimeSpan.Zero, Basis = "none" }, PeerReady = true, At = Start }), 2);
        state = Apply(new SystemEvent.TimePassed(), 40);
        (state.Phase, state.Run!.Proof?.Kind).ShouldBe((after, after == Phase.Fencing ? FencingProofKind.LeaseLapsed : null));

        SystemState Apply(SystemEvent evt, int second) => FailoverMachine.Apply(state, evt, Start.AddSeconds(second)).Next;
    }

    [Fact]
    public void An_owner_that_asks_for_no_lease_any_more_is_not_fenced_by_the_lapse_of_its_last_one()
    {
        var state = SystemState.New(new SystemId("dilas"), Rules(6), new Ownership(Epoch.First, new SiteId("production")), Start);
        state.WritesUnderLease.ShouldBeFalse("nothing was heard of it yet");
        state = FailoverMachine.Apply(state, new SystemEvent.LeaseHeard(Epoch.First, Asks: true), Start).Next;
        state.WritesUnderLease.ShouldBeTrue();
        FailoverMachine.Apply(state, new SystemEvent.LeaseHeard(Epoch.First, Asks: false), Start).Next.WritesUnderLease.ShouldBeFalse();
        (state with { Owner = new Ownership(new Epoch(2), new SiteId("backup")) }).WritesUnderLease.ShouldBeFalse("that was the owner of before");
        (state with { LeaseAsked = null }).WritesUnderLease.ShouldBeTrue("an older version did not look");
    }

    private static TakeoverRules Rules(double? seconds) =>
        new() { Home = new SiteId("production"), Peer = new SiteId("backup"), LeaseTtl = seconds is { } s ? TimeSpan.FromSeconds(s) : null };

    [Fact]
    public void An_unknown_last_grant_counts_as_one_given_now() =>
        LeaseClock.FencedAt(null, TimeSpan.FromSeconds(6), Start).ShouldBe(Start + LeaseClock.FencingWait(TimeSpan.FromSeconds(6)));
}
