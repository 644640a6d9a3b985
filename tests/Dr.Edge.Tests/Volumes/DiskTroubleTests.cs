using Dr.Contracts.Errors;
using Dr.Contracts.Mqtt;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Disk;

namespace Dr.Edge.Tests.Volumes;

public sealed class DiskTroubleTests : IDisposable
{
    private readonly FailingDisk _disk = new();
    private readonly StoreFixture _store;
    private readonly Volume _volume;

    public DiskTroubleTests()
    {
        _store = new StoreFixture(faults: _disk);
        _volume = _store.Set.Create("v", 64 * 4096);
    }

    public void Dispose()
    {
        _disk.Errno = 0;
        _store.Dispose();
    }

    [Theory]
    [InlineData(Posix.EIO)]
    [InlineData(Posix.ENOSPC)]
    [InlineData(30)] // EROFS
    [InlineData(22)] // EINVAL
    [InlineData(95)] // ENOTSUP
    public void A_failed_fsync_stops_the_volume_and_is_never_tried_again(int errno)
    {
        StoreFixture.Write(_volume, 0, new byte[4096]);
        _disk.Fail(DiskCall.Sync, ".log", errno);
        Should.Throw<BlockDeviceException>(_volume.Flush);
        _disk.Errno = 0;
        var before = _disk.Calls;
        Should.Throw<BlockDeviceException>(_volume.Flush);
        Should.Throw<BlockDeviceException>(() => StoreFixture.Write(_volume, 0, new byte[4096]));
        _disk.Calls.ShouldBe(before);
        _volume.Fault.ShouldNotBeNull();
        _volume.Gate.IsOpen.ShouldBeFalse();
    }

    [Fact]
    public void A_full_disk_refuses_the_write_and_nothing_of_it_is_seen()
    {
        StoreFixture.Write(_volume, 0, StoreFixture.Pattern(8192, 1));
        var before = StoreFixture.ReadAll(_volume);
        _disk.Fail(DiskCall.Write, ".log", Posix.ENOSPC);
        Should.Throw<BlockDeviceException>(() => StoreFixture.Write(_volume, 4096, StoreFixture.Pattern(8192, 2))).Error.ShouldBe(BlockError.NoSpace);
        StoreFixture.ReadAll(_volume).ShouldBe(before);
        _disk.Errno = 0;
        _volume.Fault.ShouldBeNull();
        StoreFixture.Write(_volume, 4096, StoreFixture.Pattern(4096, 3));
        var after = StoreFixture.ReadAll(_volume);
        _store.Reopen();
        StoreFixture.ReadAll(_store.Set.Get("v")).ShouldBe(after);
    }

    [Fact]
    public void A_full_disk_refuses_a_point_and_the_volume_goes_on()
    {
        StoreFixture.Write(_volume, 0, StoreFixture.Pattern(4096, 1));
        _disk.Fail(DiskCall.Write, "3.log", Posix.ENOSPC);
        _volume.CreatePoint(null, PointConsistency.Crash, null); // In the file made ahead; the next one finds no room.
        StoreFixture.Write(_volume, 0, StoreFixture.Pattern(4096, 2));
        Should.Throw<DrException>(() => _volume.CreatePoint(null, PointConsistency.Crash, null)).IsTransient.ShouldBeTrue();
        _disk.Errno = 0;
        _volume.Points.Count.ShouldBe(1);
        StoreFixture.Write(_volume, 0, StoreFixture.Pattern(4096, 3), fua: true);
        _volume.CreatePoint(null, PointConsistency.Crash, null);
        _volume.Points.Count.ShouldBe(2);
    }

    [Fact]
    public void What_is_recovered_after_a_crash_is_flushed_before_anybody_is_told_that_it_is_durable()
    {
        StoreFixture.Write(_volume, 0, StoreFixture.Pattern(4096, 1));
        _store.Crash(_ => _disk.Count(DiskCall.Sync, "1.log"));
        _disk.Calls.ShouldBe(1);
        var volume = _store.Set.Get("v");
        volume.Durable.ShouldBe(volume.Appended);
        StoreFixture.Write(volume, 0, StoreFixture.Pattern(4096, 2));
        _store.Crash(_ => _disk.Fail(DiskCall.Sync, "1.log", Posix.EIO));
        volume = _store.Set.Get("v");
        volume.Fault.ShouldNotBeNull();
        Should.Throw<BlockDeviceException>(volume.Flush);
    }

    [Fact]
    public void A_restore_that_failed_does_not_come_back_over_later_writes()
    {
        StoreFixture.Write(_volume, 0, StoreFixture.Pattern(8192, 1));
        var point = _volume.CreatePoint(null, PointConsistency.Crash, null);
        StoreFixture.Write(_volume, 0, StoreFixture.Pattern(8192, 2));
        _disk.Fail(DiskCall.Write, "3.log", Posix.ENOSPC);
        Should.Throw<DrException>(() => _volume.Restore(point.Id, default, null, CancellationToken.None));
        _disk.Errno = 0;
        _store.Crash();
        var volume = _store.Set.Get("v");
        StoreFixture.ReadAll(volume).AsSpan(0, 8192).SequenceEqual(StoreFixture.Pattern(8192, 2)).ShouldBeTrue();

        var head = volume.State.NextLayer;
        volume.MakeSpare(); // The file of the next head is there, so that what fails is the first block that comes back.
        _disk.Fail(DiskCall.Write, $"{head}.log", Posix.ENOSPC);
        Should.Throw<DrException>(() => volume.Restore(point.Id, default, null, CancellationToken.None));
        _disk.Errno = 0;
        volume.Gate.IsOpen.ShouldBeTrue();
        StoreFixture.Write(volume, 0, StoreFixture.Pattern(8192, 3), fua: true);
        _store.Crash();
        StoreFixture.ReadAll(_store.Set.Get("v")).AsSpan(0, 8192).SequenceEqual(StoreFixture.Pattern(8192, 3)).ShouldBeTrue();
    }

    [Fact]
    public void A_write_error_stops_the_volume_for_writing_but_not_for_reading()
    {
        StoreFixture.Write(_volume, 0, StoreFixture.Pattern(4096, 1));
        _disk.Fail(DiskCall.Write, ".log", Posix.EIO);
        Should.Throw<BlockDeviceException>(() => StoreFixture.Write(_volume, 0, new byte[4096])).Error.ShouldBe(BlockError.IO);
        _disk.Errno = 0;
        Should.Throw<BlockDeviceException>(() => StoreFixture.Write(_volume, 0, new byte[4096]));
        StoreFixture.ReadAll(_volume).AsSpan(0, 4096).SequenceEqual(StoreFixture.Pattern(4096, 1)).ShouldBeTrue();
    }
}
