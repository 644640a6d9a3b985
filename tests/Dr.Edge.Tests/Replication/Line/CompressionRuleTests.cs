using CsCheck;
using Dr.Edge.Replication.Line;

namespace Dr.Edge.Tests.Replication.Line;

public class CompressionRuleTests
{
    [Fact]
    public void A_stream_on_a_line_with_room_is_compressed_as_long_as_its_rate_is_low() =>
        Gen.Select(Gen.Double[1e5, 1e9], Gen.Double[0.001, 0.3]).Sample(
            (rate, step) =>
            {
                var rule = new CompressionRule();
                for (double at = 0; at < 2.5; at += step)
                {
                    rule.Sent((long)(rate * step), TimeSpan.FromSeconds(at));
                }

                if (rate < CompressionRule.AffordableBytesPerSecond * 0.7)
                {
                    rule.Pays(double.MaxValue, null).ShouldBeTrue();
                }
                else if (rate > CompressionRule.AffordableBytesPerSecond * 1.5)
                {
                    rule.Pays(double.MaxValue, null).ShouldBeFalse();
                    rule.Pays(CompressionRule.FastestLineBytesPerSecond, null).ShouldBeTrue("the line is what the copy waits for");
                }
            },
            iter: 10_000);

    [Fact]
    public void A_synchronous_write_is_compressed_where_the_copy_is_far_away_or_the_line_slow()
    {
        var rule = new CompressionRule();
        rule.Pays(double.MaxValue, TimeSpan.FromMicroseconds(100)).ShouldBeFalse();
        rule.Pays(double.MaxValue, CompressionRule.FarAway).ShouldBeTrue();
        rule.Pays(625_000, TimeSpan.Zero).ShouldBeTrue();
    }
}
