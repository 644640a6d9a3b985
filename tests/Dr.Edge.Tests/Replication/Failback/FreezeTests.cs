using System.Diagnostics;
using Dr.Crash.Child.Copying;

namespace Dr.Edge.Tests.Replication.Failback;

/// <summary>
/// A synchronous copy of which one side stands still for a while (SIGSTOP, as a suspended or overcommitted machine does) with its connections open. The always-run cases are shorter than a peer takes to be called
/// dead; <c>DR_LINE_SECONDS</c> (any number) adds those that are longer, about 20 s each.
/// </summary>
public sealed class FreezeTests(ITestOutputHelper output) : IAsyncLifetime
{
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(2);

    /// <summary>Longer than a silent peer is waited for.</summary>
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(12);

    private static readonly bool TakesTime = Environment.GetEnvironmentVariable("DR_LINE_SECONDS") is not null;
    private readonly LoadOracle _oracle = new();
    private readonly ProcessSite _production = new("production");
    private readonly ProcessSite _backup = new("backup");

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _production.DisposeAsync();
        await _backup.DisposeAsync();
    }

    [Theory]
    [InlineData("backup", false)]
    [InlineData("production", false)]
    [InlineData("backup", true)]
    [InlineData("production", true)]
    public async Task After_a_freeze_of_either_side_the_mirror_is_whole_again_by_itself_and_nothing_is_lost(string side, bool isLong)
    {
        Assert.SkipWhen(isLong && !TakesTime, "set DR_LINE_SECONDS to wait for it");
        await MirrorAsync("stall 0");
        var frozen = side == "backup" ? _backup : _production;
        frozen.Freeze();
        var before = await StandsStillAsync();
        await Task.Delay(isLong ? Long : Short);
        _production.Answered.ShouldBe(before, "no write is answered without the copy, and none by a process that stands still");

        frozen.Thaw();
        await AnswersAsync(before, 200);
        await WholeAsync();
        await CompareAsync();
    }

    [Fact]
    public async Task With_degrade_writes_go_on_without_the_frozen_copy_and_wait_for_it_again_when_it_is_back()
    {
        Assert.SkipWhen(!TakesTime, "set DR_LINE_SECONDS to wait for it");
        await MirrorAsync("degrade 1");
        var before = _production.Answered;
        _backup.Freeze();
        var watch = Stopwatch.StartNew();
        await _production.UntilAsync("show", a => a.Contains("Sync:OutOfDate", StringComparison.Ordinal), "the copy to be called out of date");
        output.WriteLine($"out of date after {watch.Elapsed.TotalSeconds:0.0} s");
        await AnswersAsync(before, 200);

        _backup.Thaw();
        await WholeAsync();
        await CompareAsync();
    }

    [Fact]
    public async Task A_primary_that_was_frozen_while_the_copy_took_over_answers_nothing_when_it_goes_on_and_comes_back_as_the_mirror()
    {
        Assert.SkipWhen(!TakesTime, "set DR_LINE_SECONDS to wait for it");
        await MirrorAsync("stall 0");
        _production.Freeze();
        await Task.Delay(Long);
        var at = Position(await _backup.UntilAsync("promote 2", a => a.StartsWith("Primary 2 ", StringComparison.Ordinal), "the new primary"));
        _oracle.Begin(2, at);
        await _backup.MustAsync("load 2");

        _production.Thaw();
        await _backup.MustAsync($"add {_production.Address} Sync");
        await _backup.UntilAsync("show", a => a.Contains("Sync:Whole:Current", StringComparison.Ordinal), "the old primary to be the mirror");
        var answered = _production.Answered;
        (answered.Seed == at.Seed && answered.Number <= at.Number).ShouldBeTrue($"the old primary has answered {answered}; the copy took over at {at}");
        await _backup.MustAsync("stop");
        await _backup.UntilAsync("sync 20", a => a == "ok", "the mirror to have everything");
        _oracle.Check(await _production.ContentAsync("v"), "the old primary").ShouldBe(_oracle.Check(await _backup.ContentAsync("v"), "the new primary"));
    }

    private async Task MirrorAsync(string policy)
    {
        _oracle.Begin(1, default);
        await _backup.MustAsync("show");
        await _production.MustAsync("create");
        await _production.MustAsync(policy.StartsWith("degrade", StringComparison.Ordinal) ? $"add {_backup.Address} Sync {policy}" : $"add {_backup.Address} Sync");
        await WholeAsync();
        await _production.MustAsync("load 1");
        await AnswersAsync(default, 100);
    }

    private Task WholeAsync() => _production.UntilAsync("show", a => a.Contains("Sync:Whole:Current", StringComparison.Ordinal), "the mirror to be whole");

    private Task AnswersAsync(LoadPosition after, int more) => Node.Until(() => _production.Answered.Number >= after.Number + more, $"{more} more writes than {after.Number} to be answered", () => _production.Answered.ToString(), seconds: 40);

    /// <summary>The last answer, when what was under way is answered and heard.</summary>
    private async Task<LoadPosition> StandsStillAsync()
    {
        var (last, since) = (_production.Answered, Stopwatch.StartNew());
        await Node.Until(
            () =>
            {
                if (_production.Answered != last)
                {
                    (last, since) = (_production.Answered, Stopwatch.StartNew());
                }

                return since.Elapsed > TimeSpan.FromMilliseconds(500);
            },
            "answers to end",
            () => _production.Answered.ToString());
        return last;
    }

    private async Task CompareAsync()
    {
        await _production.MustAsync("stop");
        await _production.UntilAsync("sync 20", a => a == "ok", "the copy to have everything");
        var here = _oracle.Check(await _production.ContentAsync("v"), "the primary");
        _oracle.Check(await _backup.ContentAsync("v"), "the copy").ShouldBe(here);
        here.Number.ShouldBeGreaterThanOrEqualTo(_production.Answered.Number, "every answered write is there");
        (await _production.MustAsync("clones")).ShouldBe("");
        (await _backup.MustAsync("clones")).ShouldBe("", "nothing has parted");
    }

    private static LoadPosition Position(string show)
    {
        var words = show.Split(' ');
        return new LoadPosition(int.Parse(words[2], null), int.Parse(words[3], null));
    }
}
