using CsCheck;
using Dr.Contracts.Grains;
using Dr.Contracts.Ids;
using Dr.Silo.Decisions.Detection;

namespace Dr.Silo.Tests.Decisions;

public sealed class SuspicionClassifierTests
{
    private static readonly DateTimeOffset Now = new(2012, 2, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Silent_and_its_own_clients_cannot_reach_it_is_a_dead_server_on_two_kinds_of_evidence()
    {
        var verdict = SuspicionClassifier.Classify(Silent(Sees("kiosk-1", false), Sees("branch-1", false)));
        verdict.Scope.ShouldBe(FaultScope.Device);
        verdict.IndependentKinds.ShouldBe(2);
        verdict.OwnerIsLost.ShouldBeTrue();
    }

    [Fact]
    public void Everything_of_its_site_silent_is_a_lost_site() =>
        SuspicionClassifier.Classify(Silent(Sees("kiosk-1", false), Sees("branch-1", false)) with { SiteDevices = 4, SiteDevicesSilent = 4 }).Scope.ShouldBe(FaultScope.Site);

    [Fact]
    public void Silent_but_its_clients_are_served_is_our_line() =>
        SuspicionClassifier.Classify(Silent(Sees("kiosk-1", true), Sees("branch-1", false))).Scope.ShouldBe(FaultScope.Line);

    [Fact]
    public void Clients_reach_it_but_their_transactions_fail_is_the_application() =>
        SuspicionClassifier.Classify(Silent(Sees("kiosk-1", true, failed: true), Sees("branch-1", true, failed: true))).Scope.ShouldBe(FaultScope.Application);

    [Fact]
    public void One_branch_alone_is_that_branch()
    {
        var facts = Answering(Sees("futian-1", false, site: "futian"), Sees("futian-2", false, site: "futian"), Sees("kiosk-1", true));
        SuspicionClassifier.Classify(facts).Scope.ShouldBe(FaultScope.Branch);
    }

    [Fact]
    public void Works_but_nobody_outside_gets_in_is_the_access()
    {
        var facts = Answering(Sees("kiosk-1", false), Sees("kiosk-2", false), Sees("desk-1", true, inside: true));
        var verdict = SuspicionClassifier.Classify(facts);
        (verdict.Scope, verdict.IndependentKinds).ShouldBe((FaultScope.Access, 1));
        SuspicionClassifier.Classify(facts with { SiteReportsAccessLost = true }).IndependentKinds.ShouldBe(2);
    }

    [Fact]
    public void Whoever_had_trouble_of_its_own_while_asking_judges_nobody() =>
        SuspicionClassifier.Classify(Silent(Sees("kiosk-1", false), Sees("branch-1", false)) with { ObserverTroubled = true }).Scope.ShouldBe(FaultScope.Unjudged);

    [Fact]
    public void Whoever_has_just_begun_to_listen_neither_calls_it_well_nor_cut_off()
    {
        var unheard = Answering(Sees("kiosk-1", false), Sees("branch-1", false)) with { ProbesAnswered = 0, PresenceKnown = false };
        SuspicionClassifier.Classify(unheard).Scope.ShouldBe(FaultScope.Unjudged, "nobody outside gets in, and whether it works is not known");
        SuspicionClassifier.Classify(unheard with { Witnesses = [] }).Scope.ShouldBe(FaultScope.Unjudged, "no beat was missed because none was waited for");
        SuspicionClassifier.Classify(unheard with { ProbesAnswered = 1 }).Scope.ShouldBe(FaultScope.Access, "it answers, so it works");
        SuspicionClassifier.Classify(unheard with { Silent = true }).Scope.ShouldBe(FaultScope.Device, "one of its devices is known to be silent");
    }

    [Theory]
    [InlineData("broker", FaultScope.Line)]
    [InlineData("line", FaultScope.Line)]
    [InlineData("site", FaultScope.Unclear)]
    public void Many_silent_at_once_and_nobody_to_ask_is_what_they_have_in_common(string kind, FaultScope expected)
    {
        var shared = new SharedCauseView { Kind = kind, Name = "x", Silent = 20, Devices = 21, Since = Now };
        SuspicionClassifier.Classify(Silent() with { Shared = shared }).Scope.ShouldBe(expected);
        // Witnesses on two paths of their own know better than a guess.
        SuspicionClassifier.Classify(Silent(Sees("kiosk-1", false), Sees("branch-1", false)) with { Shared = shared }).OwnerIsLost.ShouldBeTrue();
    }

    [Fact]
    public void Without_witnesses_silence_probes_and_will_are_one_kind_and_decide_nothing()
    {
        var verdict = SuspicionClassifier.Classify(Silent() with { Will = true });
        (verdict.Scope, verdict.IndependentKinds).ShouldBe((FaultScope.Unclear, 1));
    }

    [Fact]
    public void Two_witnesses_behind_one_line_are_one() =>
        SuspicionClassifier.Classify(Silent(Sees("kiosk-1", false, path: "line"), Sees("kiosk-2", false, path: "line"))).Scope.ShouldBe(FaultScope.Unclear);

    [Fact]
    public void What_was_seen_half_a_minute_ago_is_about_another_moment()
    {
        var old = Sees("kiosk-1", false) with { At = Now - TimeSpan.FromSeconds(31) };
        SuspicionClassifier.Classify(Silent(old, Sees("branch-1", false))).Scope.ShouldBe(FaultScope.Unclear);
    }

    [Fact]
    public void A_probe_that_is_answered_ends_the_suspicion() => SuspicionClassifier.Classify(Answering()).Scope.ShouldBe(FaultScope.None);

    [Fact]
    public void Many_at_once_have_one_cause_and_it_is_the_smallest_that_explains_them()
    {
        TopologyNode[] tree =
        [
            new("broker", "broker", null), new("line", "line", "broker"), new("futian", "branch", "line"), new("luohu", "branch", "line"), new("hall", "switch", "broker"),
            .. Enumerable.Range(1, 5).Select(i => new TopologyNode($"f{i}", "kiosk", "futian")),
            .. Enumerable.Range(1, 5).Select(i => new TopologyNode($"l{i}", "kiosk", "luohu")),
            .. Enumerable.Range(1, 5).Select(i => new TopologyNode($"h{i}", "kiosk", "hall")),
        ];
        CommonAncestor.IsMass(5, 15).ShouldBeTrue();
        CommonAncestor.IsMass(3, 15).ShouldBeFalse();
        CommonAncestor.Find(tree, ["f1", "f2", "f3", "f4", "f5"])!.Node.Id.ShouldBe("futian");
        CommonAncestor.Find(tree, ["f1", "f2", "f3", "f4", "f5", "l1", "l2", "l3", "l4", "l5"])!.Node.Id.ShouldBe("line");
        CommonAncestor.Find(tree, ["f1", "l1", "h1"]).ShouldBeNull();
    }

    [Fact]
    public void Let_in_after_the_serving_lease_has_lapsed_is_not_served()
    {
        var doors = Silent(Sees("kiosk-1", true), Sees("branch-1", true)) with { GateShutAt = Now, CopyHearsNothing = true };
        var verdict = SuspicionClassifier.Classify(doors);
        (verdict.Scope, verdict.IndependentKinds).ShouldBe((FaultScope.Device, 2));
        SuspicionClassifier.Classify(doors with { SiteDevices = 4, SiteDevicesSilent = 4 }).Scope.ShouldBe(FaultScope.Site);
        SuspicionClassifier.Classify(doors with { GateShutAt = Now.AddMilliseconds(1) }).Scope.ShouldBe(FaultScope.Line, "its lease may still run");
        SuspicionClassifier.Classify(doors with { GateShutAt = null }).Scope.ShouldBe(FaultScope.Line, "it may serve without us");
        SuspicionClassifier.Classify(doors with { CopyHearsNothing = false }).Scope.ShouldBe(FaultScope.Line, "the copy hears it: only our line is cut");
        SuspicionClassifier.Classify(doors with { ProbesAnswered = 1 }).OwnerIsLost.ShouldBeFalse("it answers us");
        SuspicionClassifier.Classify(doors with { Witnesses = [Sees("kiosk-1", true), Sees("kiosk-2", true, path: "kiosk-1")] }).Scope.ShouldBe(FaultScope.Unclear, "one line may be all that we hear");
        SuspicionClassifier.Classify(doors with { Witnesses = [Sees("kiosk-1", true), Sees("branch-1", true) with { At = Now.AddSeconds(-1) }] }).Scope.ShouldBe(FaultScope.Unclear, "who was let in before may have been served");
    }

    [Fact]
    public void The_lapse_of_a_lease_decides_only_about_a_silent_owner_that_cannot_serve_and_only_with_witnesses_on_two_lines() =>
        (from seen in Gen.Select(Gen.Int[0, 3], Gen.Bool, Gen.Bool, Gen.Bool, Gen.Int[-40, 0], (path, reach, fails, inside, at) => Sees($"w{path}{reach}{at}", reach, fails, inside, path: $"line-{path}") with { At = Now.AddSeconds(at) }).Array[0, 6]
         from silent in Gen.Bool
         from answered in Gen.Frequency((3, Gen.Const(0)), (1, Gen.Const(2)))
         from shut in Gen.Int[-30, 10]
         from troubled in Gen.Frequency((4, Gen.Const(false)), (1, Gen.Const(true)))
         from copy in Gen.Frequency((3, Gen.Const(true)), (1, Gen.Const(false)))
         from report in Gen.Frequency((4, Gen.Const(false)), (1, Gen.Const(true)))
         select Silent(seen) with { Silent = silent, ProbesAnswered = answered, GateShutAt = Now.AddSeconds(shut), CopyHearsNothing = copy, ObserverTroubled = troubled, OwnReportFailed = report })
        .Sample(
            facts =>
            {
                var (with, without) = (SuspicionClassifier.Classify(facts), SuspicionClassifier.Classify(facts with { GateShutAt = null }));
                if (!facts.Silent || facts.ProbesAnswered > 0 || facts.GateShutAt > Now || !facts.CopyHearsNothing || facts.OwnReportFailed)
                {
                    (with.Scope, with.Evidence).ShouldBe((without.Scope, without.Evidence));
                }
                else if (facts.ObserverTroubled)
                {
                    with.Scope.ShouldBe(FaultScope.Unjudged);
                }
                else
                {
                    var heard = facts.Witnesses.Where(w => Now - w.At <= SuspicionClassifier.FreshFor && (!w.Reachable || w.At >= facts.GateShutAt));
                    with.Scope.ShouldBe(heard.Select(w => w.Path).Distinct().Count() >= SuspicionClassifier.LeastPaths ? FaultScope.Device : FaultScope.Unclear);
                }
            },
            iter: 10_000);

    private static SuspicionFacts Silent(params WitnessReport[] witnesses) => new() { Suspect = new DeviceId("prod-1"), Now = Now, Silent = true, ProbesSent = 5, Witnesses = witnesses };

    private static SuspicionFacts Answering(params WitnessReport[] witnesses) => Silent(witnesses) with { Silent = false, ProbesAnswered = 5 };

    private static WitnessReport Sees(string witness, bool reachable, bool failed = false, bool inside = false, string? path = null, string? site = null) =>
        new(new DeviceId(witness), new SiteId(site ?? witness), path ?? witness, inside, reachable, failed, Now);
}
