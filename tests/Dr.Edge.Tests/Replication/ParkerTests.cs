using System.Diagnostics;
using Dr.Edge.Replication;

namespace Dr.Edge.Tests.Replication;

/// <summary>A thread that sleeps is woken, whenever the wake-up comes, and by nothing else.</summary>
public class ParkerTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public void A_wake_up_that_comes_first_ends_the_next_sleep_and_is_forgotten_when_armed()
    {
        var parker = new Parker();
        parker.Arm();
        parker.Wake();
        parker.Sleep(Patience).ShouldBeTrue();

        parker.Wake();
        parker.Arm();
        var watch = Stopwatch.StartNew();
        parker.Sleep(TimeSpan.FromMilliseconds(50)).ShouldBeFalse();
        watch.Elapsed.ShouldBeGreaterThan(TimeSpan.FromMilliseconds(45));
        parker.Wake();
        parker.Sleep(Patience).ShouldBeTrue("a sleep that ended by its time can be gone on with");
    }

    [Fact]
    public void Two_threads_that_wake_each_other_never_oversleep()
    {
        const int Rounds = 5_000;
        var (here, there) = (new Parker(), new Parker());
        here.Arm();
        there.Arm();
        var done = 0;
        var other = new Thread(() =>
        {
            for (var i = 0; i < Rounds && there.Sleep(Patience); i++)
            {
                there.Arm();
                here.Wake();
                done++;
            }
        });
        other.Start();
        for (var i = 0; i < Rounds; i++)
        {
            there.Wake();
            here.Sleep(Patience).ShouldBeTrue($"round {i}");
            here.Arm();
        }

        other.Join(Patience).ShouldBeTrue();
        done.ShouldBe(Rounds);
    }
}
