using CsCheck;
using Dr.Edge.Volumes.Background;
using Microsoft.Extensions.Time.Testing;

namespace Dr.Edge.Tests.Volumes.Background;

public sealed class WorkBudgetProperties
{
    private static readonly WorkLimits Limits = new() { FloorPerSecond = 2, IdlePerSecond = 500, IdleAfter = TimeSpan.FromSeconds(1), Burst = 4, OperationBytes = 4096 };

    private static readonly Gen<List<(int Milliseconds, int Clients, int Bytes)>> History =
        Gen.Select(Gen.Int[-5, 400], Gen.Frequency((2, Gen.Const(0)), (3, Gen.Int[0, 40]), (1, Gen.Int[-20, 2000])), Gen.Int[0, 20_000]).List[1, 200];

    [Fact]
    public void Work_never_takes_more_than_its_share_of_what_clients_do_plus_floor_and_idle_time() =>
        History.Sample(
            history =>
            {
                var budget = new WorkBudget(Limits);
                var (now, clients, seen) = (TimeSpan.Zero, 0L, 0L);
                var (latest, lastClient) = (TimeSpan.Zero, TimeSpan.Zero);
                var (done, idle, largest) = (0.0, 0.0, 0.0);
                budget.Take(now, clients, 0);
                foreach (var (milliseconds, operations, bytes) in history)
                {
                    now += TimeSpan.FromMilliseconds(milliseconds);
                    clients += operations;
                    var before = latest;
                    latest = now > latest ? now : latest;
                    seen += Math.Max(operations, 0);
                    if (operations > 0)
                    {
                        lastClient = latest;
                    }

                    var idleFrom = lastClient + Limits.IdleAfter;
                    idle += Math.Max(0, (latest - (idleFrom > before ? idleFrom : before)).TotalSeconds);
                    now = latest;
                    if (budget.Take(now, clients, bytes) == TimeSpan.Zero)
                    {
                        var cost = Math.Max(1.0, (double)bytes / Limits.OperationBytes);
                        done += cost;
                        largest = Math.Max(largest, cost);
                    }

                    done.ShouldBeLessThanOrEqualTo((Limits.ClientShare * seen) + (Limits.FloorPerSecond * latest.TotalSeconds) + (Limits.IdlePerSecond * idle) + 1 + largest + 1e-6);
                }
            },
            iter: 10_000);

    [Fact]
    public void Work_that_waits_as_long_as_it_is_told_always_comes_through() =>
        Gen.Select(Gen.Double[0.5, 50], Gen.Int[0, 5000], Gen.Int[0, 1_000_000]).Sample(
            (floor, clientsPerSecond, bytes) =>
            {
                var budget = new WorkBudget(Limits with { FloorPerSecond = floor });
                var now = TimeSpan.Zero;
                var end = TimeSpan.FromSeconds(60);
                var done = 0.0;
                while (now < end)
                {
                    var wait = budget.Take(now, (long)(clientsPerSecond * now.TotalSeconds), bytes);
                    if (wait == TimeSpan.Zero)
                    {
                        done += Math.Max(1.0, (double)bytes / Limits.OperationBytes);
                    }
                    else
                    {
                        wait.ShouldBeLessThanOrEqualTo(TimeSpan.FromMilliseconds(100));
                        now += wait;
                    }
                }

                done.ShouldBeGreaterThanOrEqualTo((floor * end.TotalSeconds * 0.9) - 1);
            },
            iter: 1_000);

    [Fact]
    public void An_idle_disk_is_used_and_the_first_client_is_yielded_to()
    {
        var budget = new WorkBudget(Limits);
        Granted(budget, TimeSpan.Zero, TimeSpan.FromSeconds(3), clients: 0).ShouldBeGreaterThan(900);
        // The client works steadily at 100 operations a second: five of ours a second, and the little that was saved up.
        Granted(budget, TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(13), clients: 100).ShouldBeInRange(45, 56);
    }

    [Fact]
    public async Task A_pacer_in_a_hurry_waits_for_nobody()
    {
        var time = new FakeTimeProvider();
        var pacer = new WorkPacer(Limits with { FloorPerSecond = 0.001 }, () => 0, time);
        await pacer.WaitAsync(4096, TestContext.Current.CancellationToken);
        var waiting = pacer.WaitAsync(4096, TestContext.Current.CancellationToken).AsTask();
        waiting.IsCompleted.ShouldBeFalse();
        pacer.Hurry = true;
        time.Advance(TimeSpan.FromMilliseconds(100));
        await waiting;
        pacer.Bytes.ShouldBe(8192);
    }

    [Fact]
    public void What_many_threads_count_is_counted_exactly()
    {
        var counter = new StripedCounter();
        var threads = Enumerable.Range(0, 8).Select(_ => new Thread(() =>
        {
            for (var i = 0; i < 100_000; i++)
            {
                counter.Add(3);
            }
        })).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
        (counter.Count, counter.Total).ShouldBe((800_000, 2_400_000));
    }

    private static int Granted(WorkBudget budget, TimeSpan from, TimeSpan to, int clients)
    {
        var granted = 0;
        for (var now = from; now < to; now += TimeSpan.FromMilliseconds(1))
        {
            granted += budget.Take(now, (long)(clients * (now - from).TotalSeconds), 4096) == TimeSpan.Zero ? 1 : 0;
        }

        return granted;
    }
}
