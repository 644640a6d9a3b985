using CsCheck;

namespace Dr.Edge.Tests.Replication.BadLine;

/// <summary>The simulated line does what it says: otherwise tests on it prove nothing.</summary>
public class LineModelTests
{
    [Fact]
    public void Packets_leave_in_order_late_by_the_delay_and_never_faster_than_the_rate() =>
        Gen.Select(Gen.Double[1_000, 10_000_000], Gen.Int[0, 500], Gen.Select(Gen.Int[40, 1500], Gen.Int[0, 20_000]).Array[1, 200]).Sample(
            (rate, delay, packets) =>
            {
                var line = new LineModel(new LineQuality(rate, TimeSpan.FromMilliseconds(delay), 0), 1);
                var (now, last, passed) = (TimeSpan.Zero, TimeSpan.Zero, 0L);
                foreach (var (bytes, after) in packets)
                {
                    now += TimeSpan.FromMicroseconds(after);
                    if (line.Pass(bytes, now) is not { } due)
                    {
                        continue; // The queue was full.
                    }

                    passed += bytes;
                    due.ShouldBeGreaterThanOrEqualTo(now + TimeSpan.FromMilliseconds(delay));
                    due.ShouldBeGreaterThanOrEqualTo(last);
                    (due - TimeSpan.FromMilliseconds(delay)).TotalSeconds.ShouldBeGreaterThanOrEqualTo((passed / rate) - 1e-4);
                    last = due;
                }
            },
            iter: 2_000);

    [Fact]
    public void One_in_twenty_is_lost_and_the_same_ones_for_the_same_seed()
    {
        static bool[] Fate(int seed)
        {
            var line = new LineModel(LineQuality.Bad, seed);
            return [.. Enumerable.Range(0, 20_000).Select(i => line.Pass(1500, TimeSpan.FromSeconds(i)) is null)];
        }

        Fate(1).Count(lost => lost).ShouldBeInRange(850, 1150);
        Fate(1).ShouldBe(Fate(1));
        Fate(1).ShouldNotBe(Fate(2));
    }
}
