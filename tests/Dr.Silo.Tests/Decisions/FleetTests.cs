using CsCheck;
using Dr.Contracts.Grains;
using Dr.Contracts.Ids;
using Dr.Silo.Decisions.Detection;

namespace Dr.Silo.Tests.Decisions;

/// <summary>Many silences at once, and whom to ask about one.</summary>
public sealed class FleetTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 9, 0, 0, TimeSpan.Zero);

    // Three branches of ten, two of them behind one line, one with two switches; and a site with four.
    private static readonly FleetMember[] Members =
    [
        .. Enumerable.Range(0, 10).Select(i => Member($"a{i}", "futian", line: "mpls", inside: i < 5 ? "s1" : "s2")),
        .. Enumerable.Range(0, 10).Select(i => Member($"b{i}", "luohu", line: "mpls")),
        .. Enumerable.Range(0, 10).Select(i => Member($"c{i}", "nanshan")),
        .. Enumerable.Range(0, 4).Select(i => Member($"p{i}", "production")),
    ];

    [Fact]
    public void A_few_silences_are_no_mass() => Cause("a0", "b0", "c0").ShouldBeNull();

    [Fact]
    public void All_behind_one_switch_are_the_switch() => Named(Cause("a0", "a1", "a2", "a3", "a4")).ShouldBe(("switch", "switch:futian.s1"));

    [Fact]
    public void A_whole_branch_is_the_branch() => Named(Cause([.. All("c")])).ShouldBe(("site", "site:nanshan"));

    [Fact]
    public void Two_branches_behind_one_line_are_the_line() => Named(Cause([.. All("a"), .. All("b")])).ShouldBe(("line", "line:mpls"));

    [Fact]
    public void Nearly_everybody_is_the_broker() => Named(Cause([.. All("a"), .. All("b"), .. All("c").Take(8), "p0", "p1", "p2"])).ShouldBe(("broker", "broker:broker"));

    [Fact]
    public void Half_of_a_branch_without_anything_in_common_has_no_name()
    {
        Cause("a0", "a1", "a5", "a6", "a7").ShouldBeNull();
        Fleet.CauseOf(Members, new HashSet<DeviceId> { new("c0"), new("c1"), new("c2") }, new DeviceId("a0")).ShouldBeNull("a0 itself is heard");
    }

    [Fact]
    public void What_is_named_has_every_silent_device_of_the_mass_below_it_and_most_of_it_is_silent() => Gen.Bool.Array[Members.Length].Sample(
        flags =>
        {
            var silent = Members.Where((_, i) => flags[i]).Select(m => m.Device).ToHashSet();
            return Fleet.CauseOf(Members, silent, null) is not { } cause || (cause.Share >= CommonAncestor.ExplainedShare && cause.Suspects <= cause.Devices && cause.Devices > 1);
        },
        iter: 10_000);

    [Fact]
    public void At_most_fifteen_are_asked_one_per_path_first_and_never_the_suspect() =>
        Gen.Select(Gen.Int[0, 20], Gen.Bool, Gen.Int[0, 600]).Array[0, 40].Sample(
            drawn =>
            {
                var candidates = drawn.Select((d, i) => new WitnessCandidate(new DeviceId($"w{i}"), new SiteId("s"), $"line-{d.Item1}", d.Item2, Now.AddSeconds(-d.Item3))).ToArray();
                var suspect = new DeviceId("w0");
                var picked = WitnessChoice.Pick(candidates, suspect);
                var others = candidates.Where(c => c.Device != suspect).ToArray();
                var paths = others.Select(c => c.Path).Distinct().Count();
                var pickedPaths = picked.Select(p => candidates.Single(c => c.Device == p).Path).Distinct().Count();
                return picked.Count <= WitnessChoice.Most && picked.Distinct().Count() == picked.Count && !picked.Contains(suspect)
                    && pickedPaths == Math.Min(paths, WitnessChoice.Most) && picked.Count >= Math.Min(others.Length, Math.Min(WitnessChoice.Least, picked.Count == 0 ? 0 : WitnessChoice.Least));
            },
            iter: 10_000);

    [Fact]
    public void Sums_of_several_silos_are_the_sums_of_all_devices()
    {
        var one = DetectorQuality.None.FollowedFor(TimeSpan.FromHours(10)).Mistaken(TimeSpan.FromSeconds(4)).Killed(TimeSpan.FromSeconds(4.5));
        var both = one.Plus(DetectorQuality.None.FollowedFor(TimeSpan.FromHours(14)).Mistaken(TimeSpan.FromSeconds(2)).Detected().Killed(TimeSpan.FromSeconds(3)));
        (both.Mistakes, both.Detections, both.MistakeDuration).ShouldBe((2, 1, TimeSpan.FromSeconds(3)));
        both.MistakeRecurrence!.Value.TotalHours.ShouldBe(12, 0.01);
        both.Accuracy!.Value.ShouldBe(1 - (6.0 / 86_406), 1e-9);
        (both.DetectionPercentile(0.5), both.DetectionPercentile(1)).ShouldBe((3.0, 4.5));
        DetectorQuality.None.Accuracy.ShouldBeNull();
    }

    private static IEnumerable<string> All(string prefix) => Members.Select(m => m.Device.Value).Where(d => d.StartsWith(prefix, StringComparison.Ordinal));

    private static SharedCause? Cause(params string[] silent) => Fleet.CauseOf(Members, silent.Select(s => new DeviceId(s)).ToHashSet(), null);

    private static (string, string) Named(SharedCause? cause) => (cause!.Node.Kind, cause.Node.Id);

    private static FleetMember Member(string device, string site, string? line = null, string? inside = null) =>
        new() { Device = new DeviceId(device), Site = new SiteId(site), Line = line, Switch = inside };
}
