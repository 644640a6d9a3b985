using CsCheck;
using Dr.Silo.Cluster;
using Dr.Silo.Decisions.Cluster;

namespace Dr.Silo.Tests.Cluster;

public sealed class PulseRulesTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 28, 12, 0, 0, TimeSpan.Zero);

    private static readonly Gen<(string Silo, HeardPulse Heard)[]> Peers =
        Gen.Select(Gen.Int[1, 5], Gen.Bool, Gen.Bool, Gen.Int[0, 6_000], Gen.Int[0, 6_000], (i, database, broker, ageMs, streakMs) =>
                ($"silo-{i}", new HeardPulse(new Pulse(database, broker, TimeSpan.Zero, TimeSpan.FromMilliseconds(streakMs)), Now.AddMilliseconds(-ageMs)))).Array[0, 5]
            .Select(all => all.DistinctBy(p => p.Item1).ToArray());

    [Fact]
    public void A_silo_leaves_only_when_it_lost_the_database_and_somebody_said_just_now_that_he_has_not() => Gen.Select(Peers, Gen.Int[0, 10_000]).Sample(
        (peers, silentMs) =>
        {
            var leaves = PulseRules.MustLeave(Now.AddMilliseconds(-silentMs), peers.ToDictionary(p => p.Silo, p => p.Heard), Now);
            var another = peers.Any(p => p.Heard.Pulse.Database && Now - p.Heard.At <= PulseRules.Fresh && p.Heard.Pulse.DatabaseStreak >= PulseRules.DatabaseLostAfter
                && p.Heard.At - Now.AddMilliseconds(-silentMs) >= PulseRules.DatabaseLostAfter);
            leaves.ShouldBe(silentMs >= PulseRules.DatabaseLostAfter.TotalMilliseconds && another);
        },
        iter: 10_000);

    /// <summary>Whenever each reached the database last, and however old what they heard of each other is: the one that reached it last stays.</summary>
    [Fact]
    public void Never_do_all_leave() => Gen.Select(Gen.Int[0, 10_000].Array[1, 6], Gen.Int[0, 3_000]).Sample(
        (agesMs, heardMs) =>
        {
            var heardAt = Now.AddMilliseconds(-heardMs);
            var leaves = agesMs.Select((age, i) => PulseRules.MustLeave(
                Now.AddMilliseconds(-age),
                agesMs.Select((other, j) => (Silo: $"silo-{j}", Other: other)).Where((_, j) => j != i).ToDictionary(
                    p => p.Silo, p => new HeardPulse(new Pulse(true, true, TimeSpan.FromMilliseconds(Math.Max(0, p.Other - heardMs)), TimeSpan.FromHours(1)), heardAt)),
                Now));
            leaves.ShouldContain(false);
        },
        iter: 10_000);

    /// <summary>A database that goes away is missed by one silo a little before another, and found again by one a little before another.</summary>
    [Theory]
    [InlineData(2_500, 60_000)]
    [InlineData(0, 500)]
    public void A_database_that_is_away_for_all_or_just_back_makes_nobody_leave(int othersAgeMs, int othersStreakMs)
    {
        var other = new HeardPulse(new Pulse(true, true, TimeSpan.FromMilliseconds(othersAgeMs), TimeSpan.FromMilliseconds(othersStreakMs)), Now);

        PulseRules.MustLeave(Now.AddMilliseconds(-3_500), new Dictionary<string, HeardPulse> { ["silo-2"] = other }, Now).ShouldBeFalse();
    }

    [Fact]
    public void Partitions_are_shared_out_over_those_that_can_hear_and_never_over_nobody() => Gen.Select(Peers, Gen.Int[1, 5]).Sample(
        (peers, count) =>
        {
            var live = Enumerable.Range(1, count).Select(i => $"silo-{i}").ToArray();
            var heard = peers.ToDictionary(p => p.Silo, p => p.Heard);
            var hearing = PulseRules.Hearing("silo-1", live, heard, Now);
            hearing.ShouldContain("silo-1");
            hearing.ShouldBe([.. live.Where(s => s == "silo-1" || !(heard.TryGetValue(s, out var h) && Now - h.At <= PulseRules.Fresh && !h.Pulse.Broker))]);
        },
        iter: 10_000);

    [Fact]
    public void The_times_of_the_cluster_satisfy_their_inequalities()
    {
        // A lost silo: found, written, read by the others, and its grains activated, within 10 s with 3 s to spare.
        (ClusterTiming.DetectionMax + PulseRules.Period).ShouldBeLessThanOrEqualTo(TimeSpan.FromSeconds(7));
        // A message within the window of a whole round of probes suppresses votes; the window is not longer than the detection.
        (ClusterTiming.ProbeMax * ClusterTiming.MissedProbes).ShouldBeLessThan(ClusterTiming.DetectionMax);
        ClusterTiming.ProbeMin.ShouldBeLessThanOrEqualTo(ClusterTiming.Probe);
        ClusterTiming.Probe.ShouldBeLessThanOrEqualTo(ClusterTiming.ProbeMax);
        // A pause that a process may have is not a death.
        ClusterTiming.StallTolerated.ShouldBeGreaterThanOrEqualTo(TimeSpan.FromSeconds(2));
        // A silo without the database goes before anybody who waits for it gives up.
        ClusterTiming.IsolationMax.ShouldBeLessThan(TimeSpan.FromSeconds(10));
        // The votes that declare a death are of one and the same event.
        ClusterTiming.VoteExpiry.ShouldBeGreaterThan(ClusterTiming.DetectionMax * 2);
        // After a power cut a single silo waits for the rows of the others to get old before it may serve.
        (ClusterTiming.IAmAlive * ClusterTiming.IAmAliveMissed).ShouldBeLessThan(TimeSpan.FromSeconds(10));
        // Two silos hear a partition rather than none: letting go waits longer than telling and subscribing.
        new Dr.Silo.Ingress.IngressOptions().Overlap.ShouldBeGreaterThanOrEqualTo(PulseRules.Period * 2);
    }
}
