using Dr.Simulator.Live.Judging;
using Dr.Simulator.Live.World;

namespace Dr.Simulator.Tests.Live;

public sealed class LiveVerdictTests
{
    private static readonly LiveSystem Sync = LiveSystem.All.First(s => s.Copy == "sync");
    private static readonly LiveSystem Stream = LiveSystem.All.First(s => s.Copy == "stream");

    [Fact]
    public void A_sound_run_keeps_every_promise()
    {
        LiveVerdict.Of(Evidence()).ShouldAllBe(c => c.Holds);
        LiveVerdict.Of(Evidence() with { Corruptions = [new("there", "dr-edge verify", Served: false)] }).ShouldAllBe(c => c.Holds);
    }

    [Fact]
    public void A_streamed_copy_may_lose_seconds_and_a_synchronous_one_nothing()
    {
        LossEpisode[] lost = [new("production", 3, 10, 14.9), new("production", 2, 50, 51)];
        LiveVerdict.Of(Evidence(stream: s => s with { Losses = lost })).ShouldAllBe(c => c.Holds);
        Broken(Evidence(sync: s => s with { Losses = lost[1..] })).ShouldContain("no answered commit is lost");
        Broken(Evidence(stream: s => s with { Losses = [new("production", 1, 10, 15.1)] })).ShouldContain("loses at most 5 s");
        Broken(Evidence(sync: s => s with { Committed = 0 })).ShouldContain("no answered commit is lost", Case.Sensitive, "a run in which nobody was ever served proves nothing");
    }

    /// <summary>Each promise is broken by its own evidence, and by that alone.</summary>
    [Fact]
    public void Whatever_breaks_a_promise_is_told_with_that_promise()
    {
        Broken(Evidence(stream: s => s with { Handovers = [new("production", "backup", 10.2, 10.1)], OwnershipMoves = 1 })).ShouldContain("one side at a time");
        Broken(Evidence(stream: s => s with { Handovers = [new("production", "backup", 10, 11)], OwnershipMoves = 0 })).ShouldContain("one side at a time");
        Broken(Evidence() with { OwnershipFaults = ["dilas: epoch 3 had two owners"] }).ShouldContain("an epoch has one owner");
        Broken(Evidence(sync: s => s with { Unexplained = 1 })).ShouldContain("nobody sent");
        Broken(Evidence() with { NotHealed = "after #3" }).ShouldContain("whole again");
        Broken(Evidence(sync: s => s with { IsRunning = false })).ShouldContain("runs at its home");
        Broken(Evidence(sync: s => s with { Difference = "different from byte 4096 on" })).ShouldContain("byte by byte");
        Broken(Evidence(sync: s => s with { Damage = "at backup: 1 bad range" })).ShouldContain("every checksum");
        Broken(Evidence() with { AuditBrokenAt = 7 }).ShouldContain("audit");
        Broken(Evidence() with { Corruptions = [new("there", null, Served: false)] }).ShouldContain("damage is found");
        Broken(Evidence() with { Corruptions = [new("there", "dr-edge verify", Served: true)] }).ShouldContain("damage is found");
    }

    [Fact]
    public void The_longest_wait_of_a_time_is_between_commits_that_touch_it()
    {
        double[] commits = [0, 1, 2, 10, 11, 30];
        Gaps.Longest(commits, 3, 9).ShouldBe(8);
        Gaps.Longest(commits, 0, 1.5).ShouldBe(1);
        Gaps.Longest(commits, 10.5, 12).ShouldBe(19);
        Gaps.Longest(commits, 31, 45).ShouldBe(15, "nothing came any more");
        Gaps.Longest([], 0, 10).ShouldBe(0);
    }

    [Fact]
    public void Bits_are_flipped_in_data_and_not_in_holes_and_not_at_the_end()
    {
        var folder = Directory.CreateTempSubdirectory("dr-flip-").FullName;
        try
        {
            Directory.CreateDirectory(Path.Combine(folder, "layers"));
            Corruption.Flip(folder, 0.5).ShouldBeNull();
            var before = new byte[200_000];
            before.AsSpan(100_000, 100_000).Fill(7);
            var layer = Path.Combine(folder, "layers", "1.log");
            File.WriteAllBytes(layer, before);

            Corruption.Flip(folder, 0.1)!.ShouldStartWith("1.log");

            var after = File.ReadAllBytes(layer);
            var flipped = Enumerable.Range(0, before.Length).Where(i => before[i] != after[i]).ToArray();
            flipped.Length.ShouldBeInRange(1, 3);
            flipped.ShouldAllBe(i => i >= 100_000 && i < 190_000);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string Broken(LiveEvidence evidence) => LiveVerdict.Of(evidence).Where(c => !c.Holds).ShouldHaveSingleItem().Promise;

    private static LiveEvidence Evidence(Func<SystemEvidence, SystemEvidence>? sync = null, Func<SystemEvidence, SystemEvidence>? stream = null) => new()
    {
        Systems = [(sync ?? (s => s))(System(Sync)), (stream ?? (s => s))(System(Stream))],
        OwnershipFaults = [],
        AuditBrokenAt = null,
        Corruptions = [],
        NotHealed = null,
    };

    private static SystemEvidence System(LiveSystem system) =>
        new() { System = system, Committed = 100, Losses = [], OwnershipMoves = 2, IsRunning = true, Difference = null, Damage = null, LongestWait = 12 };
}
