using CsCheck;
using Dr.Contracts.Ids;
using Dr.Edge.Replication;

namespace Dr.Edge.Tests.Replication;

/// <summary>What bounds and measures the flow: window, rate, age, pauses.</summary>
public class FlowTests
{
    private static readonly DateTimeOffset T0 = new(2026, 11, 22, 10, 0, 0, TimeSpan.Zero);

    [Fact]
    public void The_window_never_holds_more_than_its_limit_and_one_message() =>
        Gen.Int[1, 50].Array[0, 100].Sample(
            sizes =>
            {
                var window = new InFlightWindow(100);
                window.Start(0);
                long position = 0;
                foreach (var size in sizes)
                {
                    if (!window.HasRoom)
                    {
                        window.TryAcknowledge(window.Acknowledged + 1).ShouldBeTrue();
                        continue;
                    }

                    window.Add(++position, size);
                    window.Bytes.ShouldBeLessThan(150);
                }

                window.TryAcknowledge(position).ShouldBeTrue();
                window.Bytes.ShouldBe(0);
                window.TryAcknowledge(position + 1).ShouldBeFalse();
            },
            iter: 10_000);

    [Fact]
    public void A_rate_is_kept_over_any_sequence_of_messages() =>
        Gen.Select(Gen.Int[1_000, 10_000_000], Gen.Int[1, 300_000].Array[1, 50]).Sample(
            (rate, sizes) =>
            {
                var bucket = new TokenBucket(rate);
                var now = TimeSpan.Zero;
                long sent = 0;
                foreach (var size in sizes)
                {
                    now += bucket.Take(size, now);
                    sent += size;
                    // All but the last message must fit what the time allows, beside the burst at the start.
                    (sent - size).ShouldBeLessThanOrEqualTo((long)((now.TotalSeconds * rate) + Math.Max(rate / 10.0, 65_536) + 1));
                }
            },
            iter: 10_000);

    [Fact]
    public void Without_a_rate_nothing_waits_and_a_new_rate_holds_at_once()
    {
        var bucket = new TokenBucket(null);
        bucket.Take(1L << 40, TimeSpan.Zero).ShouldBe(TimeSpan.Zero);

        bucket.SetRate(1_000_000, TimeSpan.FromSeconds(1));
        bucket.Take(1_100_000, TimeSpan.FromSeconds(1)).ShouldBe(TimeSpan.Zero);
        bucket.Take(1, TimeSpan.FromSeconds(1)).TotalSeconds.ShouldBe(1, 0.001);
    }

    [Fact]
    public void A_copy_is_as_old_as_the_newest_report_that_it_has_reached()
    {
        var heads = new ReportedHeads();
        heads.Report(T0, new SequenceNumber(10), new SequenceNumber(4));
        heads.Report(T0.AddSeconds(1), new SequenceNumber(20), new SequenceNumber(4));
        heads.CurrentAsOf.ShouldBeNull();

        heads.Reach(new SequenceNumber(9)).ShouldBeFalse();
        heads.Reach(new SequenceNumber(10)).ShouldBeTrue();
        heads.CurrentAsOf.ShouldBe(T0);
        heads.Reach(new SequenceNumber(25)).ShouldBeTrue();
        heads.CurrentAsOf.ShouldBe(T0.AddSeconds(1));
    }

    [Fact]
    public void Pauses_double_from_a_tenth_of_a_second_to_three_seconds()
    {
        Backoff.After(1, 1).ShouldBe(TimeSpan.FromMilliseconds(100));
        Backoff.After(1, 0).ShouldBe(TimeSpan.FromMilliseconds(50));
        Backoff.After(3, 1).ShouldBe(TimeSpan.FromMilliseconds(400));
        Backoff.After(50, 1).ShouldBe(TimeSpan.FromSeconds(3));
    }
}
