using CsCheck;
using Dr.Contracts.Mqtt;
using Dr.Silo.Ingress;

namespace Dr.Silo.Tests.Ingress;

public sealed class LaneCommitProperties
{
    [Fact]
    public void Rows_that_the_device_no_longer_holds_are_lost_and_the_lane_goes_on()
    {
        LaneCommit.Plan(3, Batch(10, 2, oldest: 10)).ShouldBe(new LanePlan(11, 0, Gap: false, LostFrom: 4));
        LaneCommit.Plan(3, Batch(10, 2, oldest: 4)).ShouldBe(new LanePlan(3, 0, Gap: true, LostFrom: 0));
    }

    /// <summary>Any batches in any order, doubled and overlapping: exactly the contiguous prefix is taken, each row once.</summary>
    [Fact]
    public void Every_row_is_taken_once_and_in_order() =>
        Gen.Select(Gen.Int[1, 30], Gen.Int[1, 8]).Array[1, 40].Sample(
            offers =>
            {
                var taken = new List<long>();
                foreach (var (first, count) in offers)
                {
                    var before = taken.Count;
                    var plan = LaneCommit.Plan(before, Batch(first, count, oldest: 1));
                    if (!plan.ChangesNothing(count))
                    {
                        taken.AddRange(Enumerable.Range(first + plan.Skip, count - plan.Skip).Select(s => (long)s));
                    }

                    if (plan.HighWater != taken.Count || plan.Gap != (first > before + 1))
                    {
                        return false;
                    }
                }

                return taken.SequenceEqual(Enumerable.Range(1, taken.Count).Select(s => (long)s));
            },
            iter: 10_000);

    private static DataBatch Batch(long first, int count, long oldest) => new()
    {
        DeviceEpoch = 1,
        Stream = Guid.Empty,
        Lane = 0,
        First = first,
        Oldest = oldest,
        Rows = [.. Enumerable.Range(0, count).Select(i => new DataRow { Kind = "test", At = DateTimeOffset.UnixEpoch, Body = $"{first + i}" })],
    };
}
