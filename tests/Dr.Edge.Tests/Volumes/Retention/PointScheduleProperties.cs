using CsCheck;
using Dr.Contracts.Ids;
using Dr.Edge.Volumes.Retention;

namespace Dr.Edge.Tests.Volumes.Retention;

public sealed class PointScheduleProperties
{
    private static readonly DateTimeOffset Start = new(2026, 3, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly Gen<(TimeSpan Every, TimeSpan Phase, int[] Steps)> GenRun = Gen.Select(
        Gen.Int[1, 7200], Gen.Int[0, 1_000_000], Gen.Frequency((20, Gen.Int[0, 120]), (1, Gen.Int[5000, 900_000]), (1, Gen.Int[-900_000, -1])).Array[1, 50],
        (every, phase, steps) => (TimeSpan.FromSeconds(every), TimeSpan.FromSeconds(phase % every), steps));

    [Fact]
    public void Nothing_is_due_twice_in_one_interval_and_nothing_is_ever_due_later_than_one() =>
        GenRun.Sample(run =>
        {
            var now = Start;
            DateTimeOffset? due = null;
            DateTimeOffset? lastTaken = null;
            foreach (var step in run.Steps)
            {
                now += TimeSpan.FromSeconds(step);
                var (isDue, next) = PointSchedule.Step(now, due, run.Every, run.Phase);
                next.ShouldBeGreaterThan(now);
                (next - now).ShouldBeLessThanOrEqualTo(run.Every);
                ((next.Ticks - run.Phase.Ticks) % run.Every.Ticks).ShouldBe(0);
                if (step < 0)
                {
                    lastTaken = null;
                }

                if (isDue)
                {
                    Slot(now, run.Every, run.Phase).ShouldNotBe(lastTaken is { } taken ? Slot(taken, run.Every, run.Phase) : long.MinValue);
                    lastTaken = now;
                }

                due = next;
            }
        }, iter: 10_000);

    [Fact]
    public void A_restart_goes_on_where_the_schedule_was()
    {
        var every = TimeSpan.FromMinutes(5);
        var phase = TimeSpan.FromSeconds(77);
        var (isDue, next) = PointSchedule.Step(Start, null, every, phase);
        isDue.ShouldBeFalse("a restart takes no point of its own");
        PointSchedule.Step(Start.AddSeconds(20), null, every, phase).Next.ShouldBe(next);
    }

    [Fact]
    public void Many_volumes_are_spread_over_the_interval()
    {
        var every = TimeSpan.FromMinutes(5);
        var phases = Enumerable.Range(0, 1000).Select(_ => PointSchedule.PhaseOf(VolumeId.New(), every)).ToList();
        phases.ShouldAllBe(phase => phase >= TimeSpan.Zero && phase < every);
        phases.GroupBy(phase => (int)phase.TotalSeconds / 30).Count().ShouldBe(10);
    }

    private static long Slot(DateTimeOffset at, TimeSpan every, TimeSpan phase) => (at.Ticks - phase.Ticks) / every.Ticks;
}
