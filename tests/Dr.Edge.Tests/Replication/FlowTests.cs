using CsCheck;
using Dr.Contracts.Ids;
using Dr.Edge.Replication;

namespace Dr.Edge.Tests.Replication;

/// <summary>What bounds and measures the flow: window, age, pauses.</summary>
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
