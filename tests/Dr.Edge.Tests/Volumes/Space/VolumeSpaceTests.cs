using Dr.Contracts.Mqtt;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Space;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Dr.Edge.Tests.Volumes.Space;

public sealed class VolumeSpaceTests : IDisposable
{
    private const int Block = 4096;
    private readonly StoreFixture _store = new(fineWindow: TimeSpan.FromDays(1));

    public void Dispose() => _store.Dispose();

    [Fact]
    public async Task A_point_costs_what_its_deletion_alone_frees()
    {
        var volume = _store.Set.Create("v", 1024 * Block);
        Write(volume, 0, 100);
        var first = Point(volume);
        Write(volume, 0, 30);
        var second = Point(volume);
        Write(volume, 20, 40);
        StoreFixture.Zero(volume, 0, 5 * Block);
        var third = Point(volume);
        Write(volume, 25, 3);
        await _store.Set.Maintenance.DrainAsync();
        var space = volume.MeasureSpace(CancellationToken.None);

        // Of the first 100, 30 were changed before the second point; of those 30, 10 again and 5 zeroed; of the last 40, 3 by the present.
        space.Points.Select(point => (point.Point, point.FreedBytes)).ShouldBe([(first.Id, 30L * Block), (second.Id, 15L * Block), (third.Id, 3L * Block)]);
        space.Points.Select(point => point.SharedBytes).ShouldBe([70L * Block, 15L * Block, 37L * Block]);
        space.Layers.Count.ShouldBe(4);
        space.LayerBytes.ShouldBe(space.Layers.Sum(layer => layer.AllocatedBytes));
        space.AllocatedBytes.ShouldBeGreaterThanOrEqualTo(space.LayerBytes + space.BaseBytes);
        space.LayerBytes.ShouldBeInRange(173L * Block, 200L * Block);
        space.ChangedLastDayBytes.ShouldBe(100L * Block);
        space.WaitingBytes.ShouldBe(0);
        volume.DeletePoint(second.Id);
        volume.MeasureSpace(CancellationToken.None).WaitingBytes.ShouldBe(15L * Block);
    }

    [Fact]
    public async Task The_oldest_point_costs_what_the_first_layer_changes_in_the_base()
    {
        using var store = new StoreFixture();
        var volume = store.Set.Create("v", 1024 * Block);
        Write(volume, 0, 100);
        var first = Point(volume);
        Write(volume, 90, 30);
        StoreFixture.Zero(volume, 0, 3 * Block);
        Point(volume);
        await store.Set.Maintenance.DrainAsync();
        volume.State.BaseSequence.ShouldBe(first.Sequence.Value, "everything before the oldest point is in the base");
        volume.MeasureSpace(CancellationToken.None).Points[0].FreedBytes.ShouldBe(13L * Block);
    }

    [Fact]
    public async Task A_held_point_frees_nothing_and_a_clone_costs_what_it_holds_and_wrote()
    {
        var volume = _store.Set.Create("v", 1024 * Block);
        Write(volume, 0, 100);
        var point = Point(volume);
        Write(volume, 0, 10);
        await _store.Set.Maintenance.DrainAsync();
        var clone = _store.Set.CreateClone(volume, point.Id, "c");
        Write(clone, 0, 7);
        var held = volume.MeasureSpace(CancellationToken.None).Points.ShouldHaveSingleItem();
        (held.FreedBytes, held.HeldBy).ShouldBe((0L, "clone c"));
        var space = clone.MeasureSpace(CancellationToken.None);
        space.AllocatedBytes.ShouldBeInRange(7L * Block, 60L * Block);
        space.SharedBytes.ShouldBeInRange(80L * Block, 100L * Block);
    }

    [Fact]
    public void Growth_is_remembered_over_a_restart()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        using var store = new StoreFixture(time: time, faults: new SmallDisk());
        var volume = store.Set.Create("v", 1024 * Block);
        var keeper = new SpaceKeeper(store.Set, store.Faults, NullLogger.Instance);
        for (var minute = 0; minute <= 30; minute++)
        {
            keeper.Tick();
            Write(volume, 0, 10);
            time.Advance(TimeSpan.FromMinutes(1));
        }

        keeper.Tick();
        var before = keeper.GrowthOf(volume).Rates.Hour!;
        before.WrittenPerHour.ShouldBe(600.0 * Block, 30.0 * Block);
        keeper.Save();
        store.Reopen();
        keeper = new SpaceKeeper(store.Set, store.Faults, NullLogger.Instance);
        keeper.GrowthOf(store.Set.Get("v")).Rates.Hour.ShouldBe(before);
        Write(store.Set.Get("v"), 0, 10);
        time.Advance(TimeSpan.FromMinutes(1));
        keeper.Tick();
        keeper.GrowthOf(store.Set.Get("v")).Rates.Hour!.WrittenPerHour.ShouldBe(600.0 * Block, 60.0 * Block);
    }

    [Fact]
    public void The_alarm_is_told_once_and_not_again_after_a_restart()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        var disk = new SmallDisk();
        using var store = new StoreFixture(time: time, faults: disk);
        var log = new EventIds();
        var keeper = new SpaceKeeper(store.Set, store.Faults, log);
        for (var minute = 0; minute < 30; minute++)
        {
            // 5 MiB a minute: full in an hour and a half.
            disk.AvailableBytes = (500L - (5 * minute)) << 20;
            keeper.Tick();
            time.Advance(TimeSpan.FromMinutes(1));
        }

        log.Seen.ShouldBe([1152]);
        keeper.Level.ShouldBe(SpaceLevel.Critical);
        keeper.FileSystem().FullIn!.Value.TotalHours.ShouldBeInRange(0.5, 1.5);
        keeper.Save();
        keeper = new SpaceKeeper(store.Set, store.Faults, log);
        keeper.Tick();
        log.Seen.ShouldBe([1152]);
        disk.AvailableBytes = 1 << 20;
        keeper.Tick();
        keeper.Tick();
        log.Seen.ShouldBe([1152, 1153]);
    }

    [Fact]
    public void A_damaged_book_of_growth_is_put_aside_and_counting_begins_anew()
    {
        var keeper = new SpaceKeeper(_store.Set, _store.Faults, NullLogger.Instance);
        keeper.Tick();
        keeper.Save();
        var path = Path.Combine(_store.Directory, SpaceBook.FileName);
        var content = File.ReadAllBytes(path);
        content[20] ^= 1;
        File.WriteAllBytes(path, content);
        var log = new EventIds();
        _ = new SpaceKeeper(_store.Set, _store.Faults, log);
        log.Seen.ShouldBe([1154]);
        File.ReadAllBytes(path + ".damaged").ShouldBe(content);
    }

    private static void Write(Volume volume, int firstBlock, int blocks) => StoreFixture.Write(volume, (long)firstBlock * Block, StoreFixture.Pattern(blocks * Block, 1));

    private static PointInfo Point(Volume volume) => volume.CreatePoint(null, PointConsistency.Crash, null);
}
