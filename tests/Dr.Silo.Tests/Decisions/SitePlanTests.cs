using CsCheck;
using Dr.Contracts.Grains;
using Dr.Contracts.Ids;
using Dr.Silo.Decisions.Sites;

namespace Dr.Silo.Tests.Decisions;

/// <summary>Whole sites: waves, capacity, whose turn it is.</summary>
public sealed class SitePlanTests
{
    private static readonly DateTimeOffset Start = DateTimeOffset.UnixEpoch;
    private static readonly SiteId From = new("production");

    [Fact]
    public void Fifty_systems_go_in_waves_by_dependency_and_priority()
    {
        var members = Enumerable.Range(0, 50).Select(n => Member($"s{n:D2}", priority: n % 3, dependsOn: n >= 40 ? ["s00"] : [])).ToArray();

        var plan = SitePlan.Make(members, [], capacity: 50);

        plan.LeftOut.ShouldBeEmpty();
        plan.Waves.Select(w => w.Count).ShouldBe([20, 20, 10]);
        plan.Waves[0].ShouldAllBe(s => Number(s) % 3 <= 1);
        plan.Waves[2].ShouldBe(members.Skip(40).OrderBy(m => m.Priority).Select(m => m.System));
    }

    [Fact]
    public void What_does_not_fit_is_said_before_anything_starts_and_the_important_ones_go()
    {
        SiteMember[] members = [Member("dilas", 1, load: 5), Member("web", 2, load: 4), Member("mail", 3, load: 2), Member("reports", 4, load: 1, dependsOn: ["web"])];

        var plan = SitePlan.Make(members, [Member("vpn", load: 2)], capacity: 10);

        plan.Waves.SelectMany(w => w).ShouldBe([new SystemId("dilas"), new SystemId("mail")]);
        plan.LeftOut.Keys.ShouldBe([new SystemId("web"), new SystemId("reports")], ignoreOrder: true);
        plan.LeftOut[new SystemId("web")].ShouldContain("does not fit");
    }

    [Fact]
    public void A_circle_is_left_out_with_the_reason() =>
        SitePlan.Make([Member("a", dependsOn: ["b"]), Member("b", dependsOn: ["a"]), Member("c")], [], null).LeftOut.Count.ShouldBe(2);

    [Fact]
    public void No_plan_breaks_a_dependency_or_the_capacity() =>
        Gen.Select(Gen.Select(Gen.Int[0, 4], Gen.Int[1, 5], Gen.Int[0, 24].Array[0, 3]).Array[1, 25], Gen.Int[0, 60]).Sample(
            (drawn, capacity) =>
            {
                var members = drawn.Select((m, n) => Member($"s{n:D2}", m.Item1, [.. m.Item3.Where(d => d < n).Select(d => $"s{d:D2}")], m.Item2)).ToArray();
                var plan = SitePlan.Make(members, [], capacity);
                var order = plan.Waves.SelectMany((wave, i) => wave.Select(s => (s, i))).ToDictionary(w => w.s, w => w.i);
                members.Where(m => order.ContainsKey(m.System)).Sum(m => m.Load).ShouldBeLessThanOrEqualTo(capacity);
                (order.Count + plan.LeftOut.Count).ShouldBe(members.Length, "each goes or is told why not");
                plan.Waves.All(w => w.Count <= SitePlan.WaveMax).ShouldBeTrue("a wave is too big");
                foreach (var member in members.Where(m => order.ContainsKey(m.System)))
                {
                    member.DependsOn.All(d => order.TryGetValue(d, out var before) && before < order[member.System]).ShouldBeTrue($"{member.System} goes without, or before, what it needs");
                }
            },
            iter: 10_000);

    [Fact]
    public void A_wave_begins_when_the_one_before_serves_and_a_stuck_system_holds_up_only_what_depends_on_it()
    {
        SiteMember[] members = [Member("dns"), Member("dilas"), Member("web", dependsOn: ["dilas"]), Member("mail", dependsOn: ["dns"])];
        var run = SiteRun.Begin("r", RunKind.Failover, From, "li", "burnt", false, SitePlan.Make(members, [], null), members, Start);
        run.ToStart().ShouldBe([new SystemId("dilas"), new SystemId("dns")]);
        run = run.Started(new SystemId("dilas"), null, Start).Started(new SystemId("dns"), null, Start);
        run.Tick(Start + TimeSpan.FromSeconds(5)).Wave.ShouldBe(0);

        run = run.Seen(new SystemId("dns"), Moved(), Start).Seen(new SystemId("dilas"), new SystemStanding { Phase = "NeedsOperator", Site = From, RunLive = true, WaitsForPerson = true }, Start).Tick(Start + TimeSpan.FromSeconds(6));

        run.Wave.ShouldBe(1);
        run.ToStart().ShouldBe([new SystemId("mail")]);
        run.Turn(new SystemId("web"))!.ShouldContain("dilas");
        run = run.Started(new SystemId("mail"), null, Start).Seen(new SystemId("mail"), Moved(), Start);
        run.Tick(Start + TimeSpan.FromSeconds(20)).IsLive.ShouldBeTrue("one may still be helped");
        var ended = run.Tick(Start + TimeSpan.FromMinutes(5));
        ended.IsLive.ShouldBeFalse();
        ended.Outcome.ShouldNotBeNull().ShouldContain("2 systems serve at the other site, 2 do not");
    }

    [Fact]
    public void A_run_that_a_person_ordered_gives_its_order_also_where_the_detector_has_begun()
    {
        SiteMember[] members = [Member("dns"), Member("web", dependsOn: ["dns"])];
        var run = SiteRun.Begin("r", RunKind.Failover, From, "li", "burnt", false, SitePlan.Make(members, [], null), members, Start);
        var asking = new SystemStanding { Phase = "Deciding", Site = From, RunLive = true, WaitsForPerson = true };
        run = run.Seen(new SystemId("web"), asking with { WaitsForPerson = false }, Start).Seen(new SystemId("web"), asking, Start).Seen(new SystemId("dns"), asking, Start);

        run.ToStart().ShouldBe([new SystemId("dns")], "the order is the approval that it waits for");
        run = run.Started(new SystemId("dns"), null, Start).Seen(new SystemId("dns"), Moved(), Start).Tick(Start + TimeSpan.FromSeconds(2));
        run.ToStart().ShouldBe([new SystemId("web")]);
    }

    [Fact]
    public void Every_run_of_a_site_ends_whatever_its_systems_do() =>
        Gen.Select(Gen.Int[1, 30], Gen.Int[0, 3].Array[200]).Sample(
            (count, choices) =>
            {
                var members = Enumerable.Range(0, count).Select(n => Member($"s{n:D2}", dependsOn: n > 0 && n % 4 == 0 ? [$"s{n / 2:D2}"] : [])).ToArray();
                var run = SiteRun.Begin("r", RunKind.Move, From, "li", "work", false, SitePlan.Make(members, [], null), members, Start);
                var now = Start;
                foreach (var choice in choices.TakeWhile(_ => run.IsLive))
                {
                    now += TimeSpan.FromSeconds(10);
                    foreach (var system in run.ToStart())
                    {
                        run.Turn(system).ShouldBeNull();
                        run = run.Started(system, choice == 3 ? "refused" : null, now);
                    }

                    foreach (var system in run.Systems.Where(s => s.Progress == SiteProgress.UnderWay).Select(s => s.System).ToArray())
                    {
                        run = run.Seen(system, choice == 0 ? Moved() : new SystemStanding { Phase = "Fencing", Site = From, RunLive = choice != 2, WaitsForPerson = false }, now);
                    }

                    run = run.Tick(now);
                }

                // What goes on for ever at a system does not hold the site's run open for ever once it has been looked at by a person.
                (run.IsLive ? run.Stop("li", now) : run).IsLive.ShouldBeFalse();
                run.Wave.ShouldBeLessThanOrEqualTo(run.LastWave);
            },
            iter: 2_000);

    private static int Number(SystemId system) => int.Parse(system.Value.AsSpan(1), System.Globalization.CultureInfo.InvariantCulture);

    private static SystemStanding Moved() => new() { Phase = "OnTrial", Site = new SiteId("backup"), RunLive = true, HasMoved = true };

    private static SiteMember Member(string id, int priority = 100, string[]? dependsOn = null, double load = 1) =>
        new() { System = new SystemId(id), Priority = priority, DependsOn = [.. (dependsOn ?? []).Select(d => new SystemId(d))], Load = load };
}
