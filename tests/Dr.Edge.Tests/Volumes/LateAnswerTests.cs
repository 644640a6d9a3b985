using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Edge.Volumes;
using Microsoft.Extensions.Time.Testing;

namespace Dr.Edge.Tests.Volumes;

/// <summary>A process that stood still between doing and answering, until its serving lease had lapsed and another copy may have become the owner.</summary>
public sealed class LateAnswerTests : IDisposable
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(6);
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
    private readonly StoreFixture _store;
    private readonly Volume _volume;

    public LateAnswerTests()
    {
        _store = new StoreFixture(_time);
        _volume = _store.Set.Create("v", 64 * 4096);
        _volume.Gate.RequireLease();
        ExtendLease();
    }

    public void Dispose() => _store.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_write_is_not_answered_when_the_lease_lapsed_while_it_was_under_way(bool forceUnitAccess)
    {
        _volume.Barrier = new Frozen(() => _time.Advance(Lease));
        Refused(() => _volume.Write([new WriteExtent(0, 4096, ExtentKind.Data, new byte[4096])], forceUnitAccess));
        _volume.Appended.ShouldBe(new SequenceNumber(1), "it came onto the disk before the process stood still: it is found as what only this copy has");
    }

    [Fact]
    public void A_write_is_not_answered_when_a_higher_epoch_was_seen_while_it_was_under_way()
    {
        _volume.Barrier = new Frozen(() => _volume.SeeEpoch(new Epoch(9)));
        Refused(Write);
    }

    [Fact]
    public void A_flush_is_not_answered_when_the_lease_lapsed_while_it_was_under_way()
    {
        Write();
        _volume.Barrier = new Frozen(() => _time.Advance(Lease));
        Refused(_volume.Flush);
        _volume.Durable.ShouldBe(_volume.Appended, "it is on the disk all the same");
        Refused(_volume.Flush);

        // The owner is still this copy, as it turns out.
        _volume.Barrier = null;
        ExtendLease();
        _volume.Flush();
    }

    [Fact]
    public void A_flush_that_promises_nothing_new_is_answered_without_a_lease()
    {
        Write();
        _volume.Flush();
        _time.Advance(Lease);
        _volume.Flush();
        _volume.SeeEpoch(new Epoch(9));
        _volume.Flush();
    }

    [Fact]
    public void What_was_answered_before_another_owner_was_seen_cannot_be_promised_any_more()
    {
        Write();
        _volume.SeeEpoch(new Epoch(9));
        Refused(_volume.Flush);
    }

    [Fact]
    public void A_copy_that_follows_another_answers_a_readers_flush()
    {
        _store.Reopen();
        var volume = _store.Set.Get("v");
        volume.Demote(new Epoch(2));
        volume.Flush();
    }

    /// <summary>An old owner that follows now: what it receives is made durable here, which promises nothing to a client.</summary>
    [Fact]
    public void An_old_owner_with_writes_that_no_flush_covered_can_be_made_durable_and_keep_its_tail()
    {
        Write();
        _volume.SeeEpoch(new Epoch(9));
        _volume.RequireFlushed();
        _volume.Durable.ShouldBe(_volume.Appended);
        _store.Set.CreateClone(_volume, _time.GetUtcNow(), "tail").Points.ShouldBeEmpty();
    }

    private static void Refused(Action action) => Should.Throw<BlockDeviceException>(action).Error.ShouldBe(BlockError.NotPermitted);

    private void ExtendLease() => _volume.Gate.ExtendLease(_time.GetTimestamp() + (long)(Lease.TotalSeconds * _time.TimestampFrequency));

    private void Write() => StoreFixture.Write(_volume, 0, new byte[4096]);

    /// <summary>Stands between doing and answering, as a synchronous copy does.</summary>
    private sealed class Frozen(Action meanwhile) : IWriteBarrier
    {
        public bool IsEngaged => true;

        public void BeginFlush(SequenceNumber last)
        {
        }

        public void WaitWritten(SequenceNumber last) => meanwhile();

        public void WaitFlushed(SequenceNumber last) => meanwhile();

        public void Begin(WriteTicket ticket)
        {
        }

        public bool IsConfirmed(WriteTicket ticket)
        {
            meanwhile();
            return true;
        }

        public bool Await(WriteTicket ticket, ConfirmationWaiter waiter) => false;

        public void Forget(ConfirmationWaiter waiter)
        {
        }
    }
}
