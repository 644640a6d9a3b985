using CsCheck;
using Dr.Contracts.Ids;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Retention;

namespace Dr.Edge.Tests.Volumes.Retention;

/// <summary>Laws of retention over random points, policies, clocks and holds.</summary>
public sealed class RetentionPlanProperties
{
    private static readonly DateTimeOffset Start = new(2026, 3, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly Gen<RetentionTier[]> GenTiers = Gen.Select(Gen.Int[1, 60], Gen.Int[1, 40], Gen.Int[1, 3], (every, span, count) =>
    {
        var tiers = new List<RetentionTier>();
        var (within, step) = (TimeSpan.Zero, TimeSpan.FromMinutes(every));
        for (var i = 0; i < count; i++, step *= 6)
        {
            within += step * span;
            tiers.Add(new RetentionTier(within, step));
        }

        return tiers.ToArray();
    });

    // Mostly a schedule with jitter; sometimes a gap of days; rarely a clock that was put back.
    private static readonly Gen<RetentionPoint[]> GenPoints = Gen.Select(
        Gen.Frequency((20, Gen.Int[1, 900]), (2, Gen.Int[50_000, 900_000]), (1, Gen.Int[-5000, -1])), Gen.Int[0, 9], Gen.Int[0, 9], (seconds, manual, held) => (seconds, manual, held)).Array[0, 60].Select(steps =>
    {
        var at = Start;
        return steps.Select((step, i) =>
        {
            at += TimeSpan.FromSeconds(step.seconds);
            return new RetentionPoint(new PointId((ulong)(i + 1)), at, step.manual > 1, step.held == 0);
        }).ToArray();
    });

    private static readonly Gen<Case> GenCase = Gen.Select(GenPoints, GenTiers, Gen.Int[-10_000, 500_000], Gen.Int[1, 60], Gen.Int[0, 3], (points, tiers, after, limit, manual) => new Case(
        points,
        EffectivePolicy.BuiltIn with { Keep = tiers, KeepManual = manual == 0 ? TimeSpan.FromDays(2) : TimeSpan.Zero },
        (points.Length > 0 ? points[^1].At : Start) + TimeSpan.FromSeconds(after),
        limit));

    [Fact]
    public void What_goes_is_what_the_definition_says() =>
        GenCase.Sample(c => Decide(c with { Limit = int.MaxValue }).ShouldBe(Oracle(c)), iter: 10_000);

    [Fact]
    public void Held_points_the_newest_and_points_that_were_asked_for_stay() =>
        GenCase.Sample(c =>
        {
            var gone = Decide(c).ToHashSet();
            foreach (var point in c.Points.Where(p => gone.Contains(p.Id)))
            {
                point.IsProtected.ShouldBeFalse();
                point.ShouldNotBe(c.Points[^1]);
                (point.IsAutomatic || (c.Policy.KeepManual > TimeSpan.Zero && c.Now - point.At > c.Policy.KeepManual)).ShouldBeTrue();
            }
        }, iter: 10_000);

    [Fact]
    public void Nothing_above_the_limit_is_left_unless_nothing_more_may_go() =>
        GenCase.Sample(c =>
        {
            var verdict = RetentionPlan.Decide(c.Points, c.Policy, c.Now, c.Limit);
            var left = c.Points.Where(p => !verdict.Goes.Contains(p.Id)).ToList();
            verdict.Fits.ShouldBe(left.Count <= c.Limit);
            if (!verdict.Fits)
            {
                var newest = c.Points[^1].Id;
                left.ShouldAllBe(p => !p.IsAutomatic || p.IsProtected || p.Id == newest);
            }
        }, iter: 10_000);

    [Fact]
    public void What_has_been_thinned_once_is_left_alone_by_the_next_round() =>
        GenCase.Select(c => c with { Limit = int.MaxValue }).Sample(c =>
        {
            var gone = Decide(c).ToHashSet();
            Decide(c with { Points = [.. c.Points.Where(p => !gone.Contains(p.Id))] }).ShouldBeEmpty();
        }, iter: 10_000);

    [Fact]
    public void Holds_only_ever_keep_more() =>
        GenCase.Sample(c =>
        {
            var free = Decide(c with { Limit = int.MaxValue, Points = [.. c.Points.Select(p => p with { IsProtected = false })] });
            Decide(c with { Limit = int.MaxValue }).ShouldBeSubsetOf(free);
        }, iter: 10_000);

    [Fact]
    public void A_clock_that_was_put_back_takes_nothing_that_it_would_not_have_taken_before() =>
        GenCase.Sample(c =>
        {
            var ordered = c.Points.Zip(c.Points.Skip(1)).All(pair => pair.First.At <= pair.Second.At);
            var late = c with { Limit = int.MaxValue, Now = Start + TimeSpan.FromDays(4000) };
            if (ordered)
            {
                var back = Decide(late with { Now = late.Now - TimeSpan.FromDays(3990) });
                back.Where(id => c.Points.Single(p => p.Id == id).At > late.Now - TimeSpan.FromDays(3990)).ShouldBeEmpty();
                back.Count.ShouldBeLessThanOrEqualTo(c.Points.Length);
            }

            // However late it is, ages count from the newest point: waiting takes nothing.
            Decide(late).ShouldBe(Decide(late with { Now = late.Now + TimeSpan.FromDays(300) }));
        }, iter: 10_000);

    [Fact]
    public void Two_months_of_points_every_five_minutes_leave_every_tier_covered()
    {
        var policy = EffectivePolicy.BuiltIn;
        var points = new List<RetentionPoint>();
        var random = new Random(7);
        for (var i = 0; i < 60 * 288; i++)
        {
            points.Add(new RetentionPoint(new PointId((ulong)(i + 1)), Start + (TimeSpan.FromMinutes(5) * i) + TimeSpan.FromSeconds(random.Next(20)), true, false));
            var gone = RetentionPlan.Decide(points, policy, points[^1].At, 254).Goes.ToHashSet();
            points.RemoveAll(p => gone.Contains(p.Id));
        }

        points.Count.ShouldBeInRange(150, 254);
        var now = points[^1].At;
        foreach (var tier in policy.Keep)
        {
            var inside = points.Where(p => now - p.At <= tier.Within).ToList();
            (now - inside[0].At).ShouldBeGreaterThan(tier.Within - (tier.Every * 2));
            inside.Zip(inside.Skip(1), (a, b) => b.At - a.At).Max().ShouldBeLessThan(tier.Every + tier.Every);
        }
    }

    [Fact]
    public void Tiers_that_ask_for_more_than_a_volume_holds_keep_their_reach_and_lose_density()
    {
        var policy = EffectivePolicy.BuiltIn with { Keep = RetentionText.ParseTiers("24h:5m,7d:1h,30d:1d", "test") };
        RetentionLimits.CountAskedFor(policy.Keep, TimeSpan.FromMinutes(5)).ShouldBe(288 + 144 + 23);
        var points = new List<RetentionPoint>();
        for (var i = 0; i < 40 * 288; i++)
        {
            points.Add(new RetentionPoint(new PointId((ulong)(i + 1)), Start + (TimeSpan.FromMinutes(5) * i), true, false));
            var gone = RetentionPlan.Decide(points, policy, points[^1].At, 254).Goes.ToHashSet();
            points.RemoveAll(p => gone.Contains(p.Id));
        }

        points.Count.ShouldBe(254);
        var now = points[^1].At;
        (now - points[0].At).ShouldBeGreaterThan(TimeSpan.FromDays(28));
        points.Count(p => now - p.At <= TimeSpan.FromDays(1)).ShouldBeGreaterThan(60);
        points.Count(p => now - p.At > TimeSpan.FromDays(7)).ShouldBeGreaterThan(15);
    }

    private static IReadOnlyList<PointId> Decide(Case c) => RetentionPlan.Decide(c.Points, c.Policy, c.Now, c.Limit).Goes;

    /// <summary>The definition, without the limit, said in another way: a point is kept by its tier when no point kept by its tier lies too close before it.</summary>
    private static List<PointId> Oracle(Case c)
    {
        var reference = c.Points.Length == 0 || c.Now < c.Points[^1].At ? c.Now : c.Points[^1].At;
        var gone = new List<PointId>();
        var known = new bool?[c.Points.Length];
        for (var i = 0; i < c.Points.Length - 1; i++)
        {
            var point = c.Points[i];
            var stays = point.IsAutomatic ? IsKept(i) || reference < point.At : c.Policy.KeepManual == TimeSpan.Zero || reference - point.At <= c.Policy.KeepManual;
            if (!stays && !point.IsProtected)
            {
                gone.Add(point.Id);
            }
        }

        return gone;

        bool IsKept(int index) => known[index] ??= Look(index);

        bool Look(int index)
        {
            var point = c.Points[index];
            var tier = c.Policy.Keep.FirstOrDefault(t => reference - point.At <= t.Within);
            if (!point.IsAutomatic || point.At > reference || tier is null)
            {
                return false;
            }

            for (var before = index - 1; before >= 0; before--)
            {
                if (IsKept(before))
                {
                    var gap = point.At - c.Points[before].At;
                    return gap < TimeSpan.Zero || gap >= tier.Every * 0.9;
                }
            }

            return true;
        }
    }

    private sealed record Case(RetentionPoint[] Points, EffectivePolicy Policy, DateTimeOffset Now, int Limit);
}
