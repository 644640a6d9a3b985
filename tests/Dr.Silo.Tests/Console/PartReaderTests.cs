using Dr.Silo.WebConsole;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Dr.Silo.Tests.WebConsole;

public sealed class PartReaderTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly CancellationToken _never = CancellationToken.None;

    [Fact]
    public async Task A_part_that_never_answers_is_named_at_its_deadline_and_the_rest_is_there()
    {
        var parts = new PartReader(_time, NullLogger.Instance);
        var late = parts.ReadAsync("System opac", () => new TaskCompletionSource<string>().Task, _never);
        var good = parts.ReadAsync("System dilas", () => Task.FromResult("here"), _never);
        (await good).ShouldBe("here");
        _time.Advance(PartReader.Limit - TimeSpan.FromMilliseconds(1));
        late.IsCompleted.ShouldBeFalse();
        _time.Advance(TimeSpan.FromMilliseconds(2));
        (await late).ShouldBeNull();
        parts.Missing.ShouldBe(["System opac did not answer in time."]);
    }

    [Fact]
    public async Task A_part_that_fails_says_why()
    {
        var parts = new PartReader(_time, NullLogger.Instance);
        (await parts.ReadAsync<string>("The event log", () => throw new InvalidOperationException("no such table"), _never)).ShouldBeNull();
        parts.Missing.ShouldBe(["The event log could not be read: no such table"]);
    }

    [Fact]
    public async Task Being_called_off_is_not_a_missing_part()
    {
        var parts = new PartReader(_time, NullLogger.Instance);
        using var off = new CancellationTokenSource();
        var reading = parts.ReadAsync("System dilas", () => new TaskCompletionSource<string>().Task, off.Token);
        await off.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(reading);
        parts.Missing.ShouldBeEmpty();
    }
}
