using Dr.Edge.Replication;

namespace Dr.Edge.Tests.Replication;

/// <summary>A wake-up is never lost and never comes twice, whatever the setters' threads do meanwhile.</summary>
public class WorkSignalTests
{
    [Fact]
    public async Task Everything_that_setters_announce_is_seen_by_the_waiter()
    {
        const int Setters = 3;
        const int Each = 100_000;
        var signal = new WorkSignal();
        var announced = 0;
        var setting = Enumerable.Range(0, Setters).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < Each; i++)
            {
                Interlocked.Increment(ref announced);
                signal.Set();
            }
        })).ToArray();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await Task.Run(
            async () =>
            {
                while (Volatile.Read(ref announced) < Setters * Each)
                {
                    await signal.WaitAsync();
                }
            },
            patience.Token).WaitAsync(patience.Token);
        await Task.WhenAll(setting);
    }

    [Fact]
    public async Task What_was_set_before_the_wait_ends_one_wait()
    {
        var signal = new WorkSignal();
        signal.Set();
        signal.Set();
        await signal.WaitAsync();
        var second = signal.WaitAsync();
        second.IsCompleted.ShouldBeFalse();
        signal.Set();
        await second;
    }
}
