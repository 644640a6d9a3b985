using CsCheck;
using Dr.Edge.Replication.Line;

namespace Dr.Edge.Tests.Replication.Line;

public class LineGaugeTests
{
    [Fact]
    public void A_sender_that_waits_learns_what_the_line_carries_and_one_that_does_not_learns_nothing() =>
        Gen.Select(Gen.Double[1e4, 1e9], Gen.Double[0.001, 0.4], Gen.Double[0, 1]).Sample(
            (rate, step, share) =>
            {
                var gauge = new LineGauge();
                for (double at = 0; at < 1.5; at += step)
                {
                    gauge.Add((long)(rate * step), TimeSpan.FromSeconds(step * share), TimeSpan.FromSeconds(step));
                }

                if (share > LineGauge.WaitingShare + 0.01)
                {
                    gauge.BytesPerSecond.ShouldBe(rate, rate * 0.01);
                }
                else if (share < LineGauge.WaitingShare - 0.01)
                {
                    gauge.BytesPerSecond.ShouldBe(double.MaxValue);
                }
            },
            iter: 10_000);

    [Fact]
    public void Before_a_second_is_over_nothing_is_known_and_a_line_that_changes_is_known_a_second_later()
    {
        var gauge = new LineGauge();
        gauge.Add(500, TimeSpan.FromSeconds(0.9), TimeSpan.FromSeconds(0.9));
        gauge.BytesPerSecond.ShouldBe(double.MaxValue);
        gauge.Add(500, TimeSpan.FromSeconds(0.1), TimeSpan.FromSeconds(0.1));
        gauge.BytesPerSecond.ShouldBe(1000);
        gauge.Add(1_000_000, TimeSpan.FromSeconds(0.1), TimeSpan.FromSeconds(1));
        gauge.BytesPerSecond.ShouldBe(double.MaxValue);
    }
}
