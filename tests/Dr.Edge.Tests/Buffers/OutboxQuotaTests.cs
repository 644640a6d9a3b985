using Dr.Contracts.Mqtt;
using Dr.Edge.Buffers;

namespace Dr.Edge.Tests.Buffers;

public sealed class OutboxQuotaTests
{
    [Theory]
    [InlineData((int)Lane.Transactions, 99_000, (int)QuotaVerdict.Take)]
    [InlineData((int)Lane.Transactions, 99_901, (int)QuotaVerdict.Refuse)]
    [InlineData((int)Lane.Status, 79_900, (int)QuotaVerdict.Take)]
    [InlineData((int)Lane.Status, 79_901, (int)QuotaVerdict.TakeNewestOnly)]
    [InlineData((int)Lane.Status, 94_901, (int)QuotaVerdict.Refuse)]
    [InlineData((int)Lane.Bulk, 99_900, (int)QuotaVerdict.Take)]
    [InlineData((int)Lane.Bulk, 99_901, (int)QuotaVerdict.Wait)]
    public void Each_lane_has_its_share_of_the_room(int lane, long used, int verdict) =>
        OutboxQuota.Decide((Lane)lane, 100, used, 100_000).ShouldBe((QuotaVerdict)verdict);

    [Fact]
    public void A_row_that_no_message_could_carry_is_refused_however_much_room_there_is() =>
        OutboxQuota.Decide(Lane.Transactions, LinkLimits.PayloadBytesMax, 0, long.MaxValue / 2).ShouldBe(QuotaVerdict.Refuse);
}
