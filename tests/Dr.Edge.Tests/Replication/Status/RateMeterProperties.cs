using CsCheck;
using Dr.Edge.Replication.Status;

namespace Dr.Edge.Tests.Replication.Status;

/// <summary>Rates and remaining times that people read.</summary>
public class RateMeterProperties
{
    [Fact]
    public void A_steady_stream_is_measured_as_what_it_is() =>
        Gen.Select(Gen.Int[1, 10_000_000], Gen.Int[1, 1000], Gen.Int[5, 60]).Sample(
            (perSecond, start, seconds) =>
            {
                var meter = new RateMeter();
                for (var tenth = 0; tenth < seconds * 10; tenth++)
                {
                    meter.Add(perSecond, TimeSpan.FromSeconds(start + (tenth / 10.0)));
                }

                var rate = meter.PerSecond(TimeSpan.FromSeconds(start + seconds - 0.001));
                rate.ShouldBe(perSecond * 10.0, perSecond * 0.11);
            },
            iter: 10_000);

    [Fact]
    public void No_rate_is_ever_more_than_what_came_and_none_outlives_ten_seconds_of_silence() =>
        Gen.Select(Gen.Int[0, 1_000_000], Gen.Int[0, 3_000]).Array[1, 40].Sample(
            steps =>
            {
                var meter = new RateMeter();
                var now = TimeSpan.Zero;
                long sent = 0;
                foreach (var (bytes, pause) in steps)
                {
                    now += TimeSpan.FromMilliseconds(pause);
                    meter.Add(bytes, now);
                    sent += bytes;
                    meter.PerSecond(now).ShouldBeInRange(0, sent * 10.0);
                }

                meter.PerSecond(now + TimeSpan.FromSeconds(RateMeter.Seconds)).ShouldBe(0);
            },
            iter: 10_000);

    [Fact]
    public void What_is_left_of_a_delta_takes_as_long_as_the_pace_says()
    {
        var work = new WorkMeter();
        work.Left(0, TimeSpan.Zero).ShouldBeNull();
        work.BeginDelta(1000, 200);
        for (var second = 1; second <= 4; second++)
        {
            work.Did(100, TimeSpan.FromSeconds(second));
        }

        (work.DoneBytes, work.TotalBytes(lagBytes: 7)).ShouldBe((600, 1000));
        work.Left(0, TimeSpan.FromSeconds(5)).ShouldBe(TimeSpan.FromSeconds(4));
        work.Left(0, TimeSpan.FromSeconds(60)).ShouldBeNull("nothing has moved for long");
    }

    [Fact]
    public void What_is_left_of_a_journal_is_the_lag_however_it_grows()
    {
        var work = new WorkMeter();
        work.BeginJournal();
        work.Did(100, TimeSpan.FromSeconds(1));
        work.TotalBytes(lagBytes: 300).ShouldBe(400);
        work.TotalBytes(lagBytes: 900).ShouldBe(1000);
        work.End();
        work.TotalBytes(lagBytes: 900).ShouldBe(0);
    }
}
