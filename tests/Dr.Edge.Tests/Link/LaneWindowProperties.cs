using CsCheck;
using Dr.Contracts.Mqtt;
using Dr.Edge.Buffers;
using Dr.Edge.Link;

namespace Dr.Edge.Tests.Link;

public sealed class LaneWindowProperties
{
    private static readonly Guid Stream = Guid.Parse("11111111-2222-3333-4444-555555555555");

    [Fact]
    public void A_gap_sends_back_once_and_its_repeats_change_nothing()
    {
        var window = new LaneWindow(Stream, Lane.Transactions, acknowledged: 10);
        window.OnSent(5);
        window.OnSent(5);
        window.OnAck(Gap(10), last: 20).ShouldBe(AckEffect.WentBack);
        window.NextFirst.ShouldBe(11);
        window.OnSent(5);
        window.OnAck(Gap(10), last: 20).ShouldBe(AckEffect.None);
        window.NextFirst.ShouldBe(16);
        window.OnAck(new LaneAck { Stream = Stream, Lane = 0, HighWater = 15 }, last: 20).ShouldBe(AckEffect.Progress);
        window.OnSent(5);
        window.OnAck(Gap(15), last: 20).ShouldBe(AckEffect.WentBack);
    }

    [Fact]
    public void More_than_was_ever_given_out_is_not_believed()
    {
        var window = new LaneWindow(Stream, Lane.Transactions, acknowledged: 10);
        window.OnAck(new LaneAck { Stream = Stream, Lane = 0, HighWater = 21 }, last: 20).ShouldBe(AckEffect.Impossible);
        window.Acknowledged.ShouldBe(10);
    }

    [Fact]
    public void The_credit_of_the_control_plane_bounds_what_is_under_way()
    {
        var window = new LaneWindow(Stream, Lane.Transactions, acknowledged: 0);
        window.Share.ShouldBe(6);
        window.OnSent(1);
        window.OnAck(new LaneAck { Stream = Stream, Lane = 0, HighWater = 1, Credit = 2 }, last: 9);
        window.Share.ShouldBe(2);
    }

    /// <summary>Batches and acknowledgements are lost, doubled and swapped; the receiver is a model of the control plane.</summary>
    [Fact]
    public void Every_row_is_taken_once_and_in_order_and_the_lane_never_sticks() =>
        Gen.Select(Gen.Int[1, 80], Gen.Byte.Array[10, 200]).Sample(
            (total, dice) =>
            {
                var window = new LaneWindow(Stream, Lane.Transactions, 0);
                var (taken, roll) = (0L, 0);
                var wire = new List<(long First, int Count)>();
                var acks = new List<LaneAck>();
                bool Lost() => roll < dice.Length && dice[roll++] % 3 == 0;
                for (var round = 0; round < 2_000 && window.Acknowledged < total; round++)
                {
                    while (window.UnderWay < window.Share && window.NextFirst <= total)
                    {
                        var count = (int)Math.Min(total - window.Sent, 1 + (round % 7));
                        if (!Lost())
                        {
                            wire.Insert(Lost() && wire.Count > 0 ? wire.Count - 1 : wire.Count, (window.NextFirst, count));
                        }

                        window.OnSent(count);
                    }

                    foreach (var (first, count) in wire)
                    {
                        var gap = first > taken + 1;
                        taken = gap ? taken : Math.Max(taken, first + count - 1);
                        if (!Lost())
                        {
                            acks.Add(new LaneAck { Stream = Stream, Lane = 0, HighWater = taken, Gap = gap });
                        }
                    }

                    wire.Clear();
                    var moved = acks.Aggregate(false, (any, ack) => window.OnAck(ack, total) != AckEffect.None || any);
                    acks.Clear();
                    if (window.Acknowledged > taken || window.Sent < window.Acknowledged)
                    {
                        return false;
                    }

                    if (!moved)
                    {
                        window.GoBack();
                    }
                }

                return window.Acknowledged == total && taken == total;
            },
            iter: 10_000);

    private static LaneAck Gap(long highWater) => new() { Stream = Stream, Lane = 0, HighWater = highWater, Gap = true };
}
