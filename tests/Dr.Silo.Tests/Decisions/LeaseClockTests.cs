using CsCheck;
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
    public void An_unknown_last_grant_counts_as_one_given_now() =>
        LeaseClock.FencedAt(null, TimeSpan.FromSeconds(6), Start).ShouldBe(Start + LeaseClock.FencingWait(TimeSpan.FromSeconds(6)));
}
