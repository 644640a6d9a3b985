using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;

namespace Dr.EndToEnd.Tests.Link;

public abstract partial class LinkSuite
{
    [Fact]
    public async Task A_repeated_command_executes_once_and_is_answered_from_the_inbox()
    {
        await using (var edge = await StartEdgeAsync())
        {
            await UntilBornAsync();
            var command = Check("c1", "dilas", 3);
            await _silo.Downlink.SendCommandAsync(edge.Device, command, CancellationToken.None);
            await Eventually.TrueAsync("the result came", () => Final("c1").Count >= 1);
            await _silo.Downlink.SendCommandAsync(edge.Device, command, CancellationToken.None);
            await _silo.Downlink.SendCommandAsync(edge.Device, command, CancellationToken.None);
            await Eventually.TrueAsync("the repeats were answered", () => Final("c1").Count >= 3);
            edge.Part.Executed.ShouldBe(1);
            _silo.Plane.Results.ShouldContain(r => r.Result.Outcome == CommandOutcome.Progress && r.Result.Detail == "half way");
        }

        // Also after a restart of the agent, also with another executor's count.
        await using var again = await StartEdgeAsync();
        await UntilBornAsync(2);
        await _silo.Downlink.SendCommandAsync(again.Device, Check("c1", "dilas", 3), CancellationToken.None);
        await Eventually.TrueAsync("the repeat was answered", () => Final("c1").Count >= 4);
        again.Part.Executed.ShouldBe(0);
        Final("c1").Select(r => r.Evidence["count"]).Distinct().ShouldBe(["1"]);
        Final("c1").Select(r => r.FinishedAt).Distinct().Count().ShouldBe(1);
    }

    [Fact]
    public async Task A_command_whose_part_breaks_down_is_answered_and_a_part_that_cannot_be_asked_leaves_the_beats_alone()
    {
        await using var edge = await StartEdgeAsync();
        await UntilBornAsync();
        (edge.Part.BreaksDown, edge.Part.IsMute) = (true, true);
        await _silo.Downlink.SendCommandAsync(edge.Device, Check("c1"), CancellationToken.None);
        await Eventually.TrueAsync("the result came", () => Final("c1").Count >= 1);
        Final("c1")[0].Outcome.ShouldBe(CommandOutcome.Failed);
        var beats = _silo.Plane.Beats.Count;
        edge.Trigger.RequestBeatNow();
        await Eventually.TrueAsync("beats go on", () => _silo.Plane.Beats.Count > beats);
        _silo.Plane.Births.Count.ShouldBe(1, "over the same connection");
    }

    [Fact]
    public async Task A_lower_epoch_is_refused_also_after_a_restart()
    {
        await using (var edge = await StartEdgeAsync())
        {
            await UntilBornAsync();
            await _silo.Downlink.SendCommandAsync(edge.Device, Check("new", "dilas", 5), CancellationToken.None);
            await Eventually.TrueAsync("the result came", () => Final("new").Count >= 1);
        }

        await using var again = await StartEdgeAsync();
        await UntilBornAsync(2);
        await _silo.Downlink.SendCommandAsync(again.Device, Check("old", "dilas", 4), CancellationToken.None);
        await Eventually.TrueAsync("the old one was answered", () => Final("old").Count >= 1);

        Final("old")[0].Outcome.ShouldBe(CommandOutcome.Fenced);
        Final("old")[0].EpochSeen.ShouldBe(new Epoch(5));
        again.Part.Executed.ShouldBe(0);
    }

    [Fact]
    public async Task A_command_past_its_deadline_is_not_started_and_one_that_was_done_before_is_told_so()
    {
        await using var edge = await StartEdgeAsync();
        await UntilBornAsync();
        edge.Part.DoneBefore = "done";
        await _silo.Downlink.SendCommandAsync(edge.Device, Check("done", within: TimeSpan.FromSeconds(-1)), CancellationToken.None);
        await _silo.Downlink.SendCommandAsync(edge.Device, Check("late", within: TimeSpan.FromSeconds(-1)), CancellationToken.None);
        await Eventually.TrueAsync("it was answered", () => Final("late").Count >= 1);

        Final("late")[0].Outcome.ShouldBe(CommandOutcome.Expired);
        await Eventually.TrueAsync("the other was answered", () => Final("done").Count >= 1);
        Final("done")[0].Outcome.ShouldBe(CommandOutcome.Done);
        edge.Part.Executed.ShouldBe(0);
    }

    [Fact]
    public async Task A_result_that_was_ready_while_the_line_was_down_comes_after_it()
    {
        await using var proxy = new CutProxy(_broker.Address);
        await using var edge = await TestEdge.StartAsync("kiosk-1", _data, proxy.Address);
        await UntilBornAsync();
        edge.Part.Hold = new TaskCompletionSource();
        await _silo.Downlink.SendCommandAsync(edge.Device, Check("c1"), CancellationToken.None);
        await Eventually.TrueAsync("it runs", () => edge.Part.Executed == 1);
        proxy.Refusing = true;
        proxy.Cut();
        await Eventually.TrueAsync("the line is down", () => !edge.State.Connected);
        edge.Part.Hold.SetResult();
        await Eventually.TrueAsync("it is finished", async () => (await edge.Buffer.UnconfirmedResultsAsync(CancellationToken.None)).Count == 1);
        proxy.Refusing = false;

        await Eventually.TrueAsync("the result came", () => Final("c1").Count >= 1);
        await Eventually.TrueAsync("it is confirmed", async () => (await edge.Buffer.UnconfirmedResultsAsync(CancellationToken.None)).Count == 0);
        edge.Part.Executed.ShouldBe(1);
    }

    private List<CommandResult> Final(string id) => [.. _silo.Plane.Results.Select(r => r.Result).Where(r => r.Id.Value == id && r.Outcome != CommandOutcome.Progress)];
}
