using Dr.Contracts.Errors;
using Dr.Edge.Host.Processes;

namespace Dr.Edge.Tests.Host.Processes;

public sealed class ProcessTests
{
    [Fact]
    public void A_stat_line_is_read_also_when_the_name_has_spaces_and_parentheses()
    {
        var entry = ProcessEntry.Parse("4711 (a (b) c) S 1 4710 4709 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 1 2 3");
        entry.ShouldBe(new ProcessEntry(4711, "a (b) c", 'S', 1, 4710, 4709, 987654));
        ProcessEntry.Parse("4711 (a").ShouldBeNull();
    }

    [Fact]
    public async Task A_program_that_does_not_end_is_killed_with_its_children_and_named()
    {
        var marker = $"{Random.Shared.Next(100_000, 999_999)}.25";
        var late = await Should.ThrowAsync<DrException>(ProgramRunner.RunAsync("/bin/sh", ["-c", $"sleep {marker} & sleep {marker}"], TimeSpan.FromMilliseconds(300), default));
        late.Message.ShouldContain("did not end within 0.3 s");
        (await Waiting.UntilAsync(() => !ProcessTable.All().Any(p => ProcessTable.CommandLine(p.Id).Contains(marker, StringComparison.Ordinal)), HostStand.Patience, TimeProvider.System, default))
            .ShouldBeTrue();
    }

    [Fact]
    public async Task A_missing_program_is_a_clear_error() =>
        (await Should.ThrowAsync<DrException>(ProgramRunner.RunAsync("no-such-program", [], TimeSpan.FromSeconds(5), default))).Hint!.ShouldContain("no-such-program");

    [Fact]
    public async Task A_detached_group_ends_as_a_whole_even_when_it_ignores_the_polite_signal()
    {
        var leader = await DetachedProgram.StartAsync("/bin/sh", ["-c", "trap '' TERM; sleep 1000 & sleep 1000; sleep 1000"], "/dev/null", default);
        await Waiting.UntilAsync(() => DetachedProgram.Members(leader).Count >= 3, HostStand.Patience, TimeProvider.System, default);
        await DetachedProgram.EndAsync(leader, TimeSpan.FromMilliseconds(200), TimeProvider.System, default);
        DetachedProgram.Members(leader).ShouldBeEmpty();
        ProcessTable.IsAlive(leader).ShouldBeFalse();
    }

    [Fact]
    public void A_later_process_with_the_same_id_is_not_the_one_that_was_marked()
    {
        var self = ProcessTable.Find(Environment.ProcessId)!;
        ProcessTable.IsAlive(self.Mark).ShouldBeTrue();
        ProcessTable.IsAlive(self.Mark with { StartTicks = self.StartTicks - 1 }).ShouldBeFalse();
        DetachedProgram.Members(self.Mark with { StartTicks = self.StartTicks - 1 }).ShouldBeEmpty();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(1)]
    public void A_signal_never_goes_to_everybody(int processId) => Should.Throw<InvariantException>(() => Signals.Send(processId, Signals.Terminate));
}
