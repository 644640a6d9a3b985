using Dr.Contracts.Errors;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Edge.Volumes;

namespace Dr.Edge.Tests.Volumes;

public sealed class ReplicaTests : IDisposable
{
    private const int SizeBytes = 64 * 4096;
    private readonly StoreFixture _source = new(fineWindow: TimeSpan.FromHours(1));
    private readonly StoreFixture _target = new(fineWindow: TimeSpan.FromHours(1));
    private readonly Volume _primary;
    private Volume _replica;

    public ReplicaTests()
    {
        _primary = _source.Set.Create("v", SizeBytes);
        _replica = _target.Set.CreateReplica(_primary.Id, "v", SizeBytes);
    }

    public void Dispose()
    {
        _source.Dispose();
        _target.Dispose();
    }

    [Fact]
    public void A_replica_fed_from_the_journal_has_the_same_content_points_and_digests()
    {
        StoreFixture.Write(_primary, 100, StoreFixture.Pattern(9000, 1));
        var first = _primary.CreatePoint("one", PointConsistency.Crash, null);
        StoreFixture.Write(_primary, 50_000, StoreFixture.Pattern(4096, 2));
        StoreFixture.Zero(_primary, 0, 5000);
        var second = _primary.CreatePoint("two", PointConsistency.Crash, null);
        StoreFixture.Write(_primary, 8192, StoreFixture.Pattern(4096, 3));

        Stream();

        StoreFixture.ReadAll(_replica).ShouldBe(StoreFixture.ReadAll(_primary));
        _replica.Points.ShouldBe(_primary.Points);
        _replica.ContentDigest(first.Id).ShouldBe(_primary.ContentDigest(first.Id));
        _replica.ContentDigest(second.Id).ShouldBe(_primary.ContentDigest(second.Id));
        _replica.Generations.ShouldBe(_primary.Generations);
    }

    [Fact]
    public void A_replica_goes_on_after_a_crash_where_it_was()
    {
        StoreFixture.Write(_primary, 0, StoreFixture.Pattern(9000, 1));
        Stream();
        _target.Crash();
        _replica = _target.Set.Get("v");
        StoreFixture.Write(_primary, 20_000, StoreFixture.Pattern(9000, 2));
        Stream();
        StoreFixture.ReadAll(_replica).ShouldBe(StoreFixture.ReadAll(_primary));
    }

    [Fact]
    public void Clients_cannot_write_to_a_replica() =>
        Should.Throw<BlockDeviceException>(() => StoreFixture.Write(_replica, 0, new byte[4096])).Error.ShouldBe(BlockError.NotPermitted);

    [Fact]
    public void A_batch_with_a_flipped_bit_is_refused_wherever_the_bit_is()
    {
        StoreFixture.Write(_primary, 0, StoreFixture.Pattern(4096, 1));
        using var reader = _primary.ReadJournal(SequenceNumber.Zero);
        reader.TryRead(out var item);
        var bytes = ((JournalItem.Batch)item!).Bytes.ToArray();
        for (var bit = 0; bit < bytes.Length * 8; bit += 7)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            Should.Throw<CorruptDataException>(() => _replica.AppendReplica(bytes), $"bit {bit}");
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }

        _replica.Appended.ShouldBe(SequenceNumber.Zero);
        _replica.AppendReplica(bytes);
    }

    [Fact]
    public void A_batch_that_does_not_follow_is_refused()
    {
        StoreFixture.Write(_primary, 0, StoreFixture.Pattern(4096, 1));
        StoreFixture.Write(_primary, 0, StoreFixture.Pattern(4096, 2));
        using var reader = _primary.ReadJournal(SequenceNumber.Zero);
        reader.TryRead(out _);
        reader.TryRead(out var second);
        Should.Throw<DrException>(() => _replica.AppendReplica(((JournalItem.Batch)second!).Bytes));
    }

    [Fact]
    public void A_delta_is_invisible_until_it_is_committed_and_then_there_with_its_point()
    {
        StoreFixture.Write(_primary, 0, StoreFixture.Pattern(40_000, 1));
        var first = _primary.CreatePoint(null, PointConsistency.Crash, null);
        Delta(null, first);
        var before = StoreFixture.ReadAll(_replica);
        StoreFixture.Write(_primary, 12_288, StoreFixture.Pattern(8192, 2));
        StoreFixture.Zero(_primary, 0, 4096);
        var second = _primary.CreatePoint(null, PointConsistency.Crash, null);

        var staging = Stage(first.Id, second);
        StoreFixture.ReadAll(_replica).ShouldBe(before);
        staging.Commit(_primary.ContentDigest(second.Id), _primary.Generations);
        staging.Dispose();

        StoreFixture.ReadAll(_replica).ShouldBe(StoreFixture.ReadAll(_primary));
        _replica.Points.Select(p => p.Id).ShouldBe([first.Id, second.Id]);
        _replica.Appended.ShouldBe(_primary.Appended);
        using (var view = _replica.OpenView(first.Id))
        {
            StoreFixture.ReadAll(view).ShouldBe(before);
        }

        _target.Crash();
        _replica = _target.Set.Get("v");
        StoreFixture.ReadAll(_replica).ShouldBe(StoreFixture.ReadAll(_primary));
        _replica.ContentDigest(first.Id).ShouldBe(_primary.ContentDigest(first.Id));
    }

    [Fact]
    public void The_journal_goes_on_after_a_delta()
    {
        StoreFixture.Write(_primary, 0, StoreFixture.Pattern(40_000, 1));
        Delta(null, _primary.CreatePoint(null, PointConsistency.Crash, null));
        StoreFixture.Write(_primary, 4096, StoreFixture.Pattern(40_000, 2));
        Stream();
        StoreFixture.ReadAll(_replica).ShouldBe(StoreFixture.ReadAll(_primary));
    }

    [Fact]
    public void A_staged_delta_survives_a_crash_up_to_its_last_flush()
    {
        StoreFixture.Write(_primary, 0, StoreFixture.Pattern(8 * 4096, 1));
        var point = _primary.CreatePoint(null, PointConsistency.Crash, null);
        using (var staging = _replica.OpenStaging(null, point))
        {
            Copy(staging, _primary, point, 0, 4);
            staging.Flush(4);
            staging.WriteBlocks(20, StoreFixture.Pattern(4096, 9));
        }

        _target.Crash();
        _replica = _target.Set.Get("v");
        _replica.Staged.ShouldBe((null, point.Id, 4L));
        using var resumed = _replica.OpenStaging(null, point);
        resumed.ResumePosition.ShouldBe(4);
        Copy(resumed, _primary, point, 4, 4);
        resumed.Commit(_primary.ContentDigest(point.Id), _primary.Generations);
        StoreFixture.ReadAll(_replica).ShouldBe(StoreFixture.ReadAll(_primary));
    }

    [Fact]
    public void A_delta_whose_content_is_not_the_points_is_not_attached()
    {
        StoreFixture.Write(_primary, 0, StoreFixture.Pattern(4096, 1));
        var point = _primary.CreatePoint(null, PointConsistency.Crash, null);
        using var staging = _replica.OpenStaging(null, point);
        staging.WriteBlocks(0, StoreFixture.Pattern(4096, 2));
        Should.Throw<CorruptDataException>(() => staging.Commit(_primary.ContentDigest(point.Id), _primary.Generations));
        _replica.Points.ShouldBeEmpty();
        StoreFixture.ReadAll(_replica).ShouldAllBe(b => b == 0);
    }

    [Fact]
    public void Promotion_and_return_keep_the_diverged_tail_as_a_clone()
    {
        StoreFixture.Write(_primary, 0, StoreFixture.Pattern(8192, 1));
        Stream();
        var common = _primary.Appended;
        StoreFixture.Write(_primary, 4096, StoreFixture.Pattern(8192, 2));
        _primary.CreatePoint("lost", PointConsistency.Crash, null);
        var lost = StoreFixture.ReadAll(_primary);

        _replica.Promote(new Epoch(2));
        StoreFixture.Write(_replica, 16_384, StoreFixture.Pattern(4096, 3));
        _primary.SeeEpoch(new Epoch(2));
        _primary.Role.ShouldBe(VolumeRole.Demoted);
        Should.Throw<BlockDeviceException>(() => StoreFixture.Write(_primary, 0, new byte[4096])).Error.ShouldBe(BlockError.NotPermitted);
        _primary.BecomeReplica(new Epoch(2));
        _primary.RewindTo(common, "v-tail");

        _primary.Appended.ShouldBe(common);
        StoreFixture.ReadAll(_source.Set.Get("v-tail")).ShouldBe(lost);
        Stream(_replica, _primary);
        StoreFixture.ReadAll(_primary).ShouldBe(StoreFixture.ReadAll(_replica));

        _source.Crash();
        StoreFixture.ReadAll(_source.Set.Get("v")).ShouldBe(StoreFixture.ReadAll(_replica));
        StoreFixture.ReadAll(_source.Set.Get("v-tail")).ShouldBe(lost);
        _source.Set.Get("v-tail").Points.Select(p => p.Label).ShouldBe(["lost", "tail"]);
    }

    [Fact]
    public async Task A_volume_that_goes_back_to_where_its_base_ends_follows_the_new_owner()
    {
        using var store = new StoreFixture(fineWindow: TimeSpan.Zero);
        var old = store.Set.Create("v", SizeBytes);
        var owner = _target.Set.CreateReplica(old.Id, "w", SizeBytes);
        StoreFixture.Write(old, 0, StoreFixture.Pattern(4096, 1));
        Stream(old, owner); // What a point has made ready for the base may go there at once, and then out of the journal.
        var first = old.CreatePoint(null, PointConsistency.Crash, null);
        StoreFixture.Write(old, 0, StoreFixture.Pattern(4096, 2));
        Stream(old, owner);
        old.CreatePoint(null, PointConsistency.Crash, null);
        var common = old.Appended;
        old.DeletePoint(first.Id);
        await store.Set.Maintenance.DrainAsync();
        old.State.BaseSequence.ShouldBe(common.Value, "no layer is left that says what was written last before it");
        StoreFixture.Write(old, 4096, StoreFixture.Pattern(4096, 3));

        owner.Promote(new Epoch(2));
        StoreFixture.Write(owner, 8192, StoreFixture.Pattern(4096, 4));
        old.SeeEpoch(new Epoch(2));
        old.BecomeReplica(new Epoch(2));
        old.RewindTo(common, "v-tail");
        Stream(owner, old);

        StoreFixture.ReadAll(old).ShouldBe(StoreFixture.ReadAll(owner));
    }

    [Fact]
    public void Changed_blocks_between_two_points_are_exactly_those_written()
    {
        StoreFixture.Write(_primary, 0, StoreFixture.Pattern(3 * 4096, 1));
        var first = _primary.CreatePoint(null, PointConsistency.Crash, null);
        StoreFixture.Write(_primary, 8192, StoreFixture.Pattern(4096, 2));
        StoreFixture.Zero(_primary, 40_960, 8192);
        StoreFixture.Write(_primary, 100, [1]);
        var second = _primary.CreatePoint(null, PointConsistency.Crash, null);
        StoreFixture.Write(_primary, 20_480, StoreFixture.Pattern(4096, 2));
        _primary.ChangedBlocks(first.Id, second.Id).ShouldBe([new BlockRange(0, 1), new BlockRange(2, 1), new BlockRange(10, 2)]);
        _primary.ChangedBlocks(null, second.Id).ShouldBe([new BlockRange(0, 3)]);
    }

    [Fact]
    public async Task History_that_went_into_the_base_is_gone_from_the_journal()
    {
        using var store = new StoreFixture(fineWindow: TimeSpan.Zero);
        var volume = store.Set.Create("v", SizeBytes);
        StoreFixture.Write(volume, 0, StoreFixture.Pattern(4096, 1));
        var first = volume.CreatePoint(null, PointConsistency.Crash, null);
        StoreFixture.Write(volume, 0, StoreFixture.Pattern(4096, 2));
        volume.CreatePoint(null, PointConsistency.Crash, null);
        volume.DeletePoint(first.Id);
        await store.Set.Maintenance.DrainAsync();
        using var reader = volume.ReadJournal(SequenceNumber.Zero);
        reader.TryRead(out _).ShouldBe(JournalStatus.Gone);
    }

    [Fact]
    public async Task A_reader_at_the_end_is_woken_by_a_write_and_by_a_point()
    {
        using var reader = _primary.ReadJournal(SequenceNumber.Zero);
        reader.TryRead(out _).ShouldBe(JournalStatus.AtEnd);
        var wait = reader.WaitForMoreAsync(CancellationToken.None);
        wait.IsCompleted.ShouldBeFalse();
        StoreFixture.Write(_primary, 0, new byte[4096]);
        await wait.WaitAsync(TimeSpan.FromSeconds(10));
        reader.TryRead(out _).ShouldBe(JournalStatus.Item);
        reader.TryRead(out _).ShouldBe(JournalStatus.AtEnd);
        wait = reader.WaitForMoreAsync(CancellationToken.None);
        _primary.CreatePoint(null, PointConsistency.Crash, null);
        await wait.WaitAsync(TimeSpan.FromSeconds(10));
        reader.TryRead(out var item).ShouldBe(JournalStatus.Item);
        item.ShouldBeOfType<JournalItem.Point>();
    }

    private void Stream() => Stream(_primary, _replica);

    private static void Stream(Volume from, Volume to)
    {
        using var reader = from.ReadJournal(to.Appended);
        while (reader.TryRead(out var item) == JournalStatus.Item)
        {
            switch (item)
            {
                case JournalItem.Batch batch:
                    to.AppendReplica(batch.Bytes);
                    break;
                case JournalItem.Point point:
                    to.SealReplica(point.Info);
                    break;
            }
        }

        to.RequireFlushed();
    }

    private void Delta(PointId? from, PointInfo to)
    {
        using var staging = Stage(from, to);
        staging.Commit(_primary.ContentDigest(to.Id), _primary.Generations);
    }

    private StagingLayer Stage(PointId? from, PointInfo to)
    {
        var staging = _replica.OpenStaging(from, to);
        foreach (var range in _primary.ChangedBlocks(from, to.Id))
        {
            Copy(staging, _primary, to, range.First, range.Count);
        }

        staging.Flush(1);
        return staging;
    }

    private static void Copy(StagingLayer staging, Volume source, PointInfo point, long first, long count)
    {
        using var view = source.OpenView(point.Id);
        var data = new byte[count * 4096];
        view.Read(first * 4096, data);
        staging.WriteBlocks(first, data);
    }
}
