using Dr.Silo.WebConsole;
using Microsoft.Extensions.Time.Testing;

namespace Dr.Silo.Tests.WebConsole;

public sealed class SharedSnapshotTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task Many_readers_at_once_cost_one_reading()
    {
        var data = new Counted();
        var shared = new SharedSnapshot(data, _time);
        var readers = Enumerable.Range(0, 100).Select(_ => shared.ReadAsync(CancellationToken.None)).ToList();
        data.Answer();
        await Task.WhenAll(readers);
        data.Readings.ShouldBe(1);
    }

    [Fact]
    public async Task A_reading_is_kept_for_a_moment_only()
    {
        var data = new Counted();
        var shared = new SharedSnapshot(data, _time);
        data.Answer();
        await shared.ReadAsync(CancellationToken.None);
        _time.Advance(SharedSnapshot.MaxAge / 2);
        await shared.ReadAsync(CancellationToken.None);
        data.Readings.ShouldBe(1);
        _time.Advance(SharedSnapshot.MaxAge / 2);
        await shared.ReadAsync(CancellationToken.None);
        data.Readings.ShouldBe(2);
    }

    [Fact]
    public async Task A_reading_that_failed_is_not_handed_out_again()
    {
        var data = new Counted();
        var shared = new SharedSnapshot(data, _time);
        data.Fail();
        await Should.ThrowAsync<InvalidOperationException>(shared.ReadAsync(CancellationToken.None));
        data.Answer();
        (await shared.ReadAsync(CancellationToken.None)).Systems.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_reader_that_leaves_takes_nothing_from_the_others()
    {
        var data = new Counted();
        var shared = new SharedSnapshot(data, _time);
        using var leaving = new CancellationTokenSource();
        var first = shared.ReadAsync(leaving.Token);
        var second = shared.ReadAsync(CancellationToken.None);
        await leaving.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(first);
        data.Answer();
        (await second).ShouldNotBeNull();
        data.Readings.ShouldBe(1);
    }

    private sealed class Counted : IConsoleData
    {
        private TaskCompletionSource<ConsoleSnapshot> _answer = new();

        public int Readings { get; private set; }

        public Task<ConsoleSnapshot> ReadAsync(CancellationToken cancellationToken)
        {
            Readings++;
            return _answer.Task;
        }

        public void Answer()
        {
            var old = _answer;
            _answer = new TaskCompletionSource<ConsoleSnapshot>();
            _answer.SetResult(new ConsoleSnapshot { At = default });
            old.TrySetResult(new ConsoleSnapshot { At = default });
        }

        public void Fail() => _answer.SetException(new InvalidOperationException("the database is away"));
    }
}
