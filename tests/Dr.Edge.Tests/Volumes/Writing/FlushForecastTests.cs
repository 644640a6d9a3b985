using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Writing;

namespace Dr.Edge.Tests.Volumes.Writing;

public sealed class FlushForecastTests
{
    [Fact]
    public void A_log_that_flushes_after_every_write_is_expected_to_do_it_again()
    {
        var forecast = default(FlushForecast);
        var expected = Enumerable.Range(0, 1000).Count(flush => forecast.AtAppend(flush, 8192));
        expected.ShouldBe(1000 - FlushForecast.FlushesForForecast);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    public void Writes_that_share_a_flush_are_left_to_gather(int writesPerFlush)
    {
        var forecast = default(FlushForecast);
        Enumerable.Range(0, 1000).Count(write => forecast.AtAppend(write / writesPerFlush, 8192)).ShouldBe(0);
    }

    [Fact]
    public void Large_writes_are_not_expected_to_be_a_log()
    {
        var forecast = default(FlushForecast);
        Enumerable.Range(0, 1000).Count(flush => forecast.AtAppend(flush, RoomAhead.SmallFlushBytes + 1)).ShouldBe(0);
    }

    [Fact]
    public void At_most_one_flush_is_made_in_vain_for_four_that_are_asked_for_whatever_the_client_does()
    {
        var random = new Random(11);
        for (var round = 0; round < 300; round++)
        {
            var forecast = default(FlushForecast);
            var (flushes, vain, expected) = (0L, 0, false);
            var chance = random.NextDouble();
            for (var write = 0; write < 2000; write++)
            {
                var flushed = random.NextDouble() < chance;
                flushes += flushed ? 1 : 0;
                vain += expected && !flushed ? 1 : 0;
                expected = forecast.AtAppend(flushes, 8192);
            }

            vain.ShouldBeLessThanOrEqualTo((int)flushes / FlushForecast.HitsPerMiss, $"round {round}, chance {chance}");
        }
    }

    [Fact]
    public void What_a_database_is_about_to_flush_is_durable_before_it_asks()
    {
        using var store = new StoreFixture();
        var volume = store.Set.Create("v", 64 * 4096);
        Commit(volume, FlushForecast.FlushesForForecast);
        volume.ExpectsFlush.ShouldBeFalse("all is durable");

        StoreFixture.Write(volume, 0, StoreFixture.Pattern(4096, 1));
        volume.ExpectsFlush.ShouldBeTrue();
        volume.Durable.ShouldBeLessThan(volume.Appended);
        volume.FlushAhead();
        volume.Durable.ShouldBe(volume.Appended);
        volume.ExpectsFlush.ShouldBeFalse();
        volume.Flush();

        for (var i = 0; i < FlushForecast.FlushesForForecast; i++)
        {
            StoreFixture.Write(volume, 0, StoreFixture.Pattern(4096, i));
        }

        volume.FlushAhead();
        StoreFixture.Write(volume, 0, StoreFixture.Pattern(4096, 1));
        volume.ExpectsFlush.ShouldBeFalse("writes without a flush are no log");
    }

    [Fact]
    public void A_flush_ahead_that_fails_stops_the_volume_and_is_never_tried_again()
    {
        var disk = new FailingDisk();
        using var store = new StoreFixture(faults: disk);
        var volume = store.Set.Create("v", 64 * 4096);
        Commit(volume, FlushForecast.FlushesForForecast);
        StoreFixture.Write(volume, 0, new byte[4096]);
        var durable = volume.Durable;
        disk.Fail(DiskCall.Sync, ".log", Posix.EIO);
        volume.FlushAhead();
        disk.Errno = 0;
        volume.Fault.ShouldNotBeNull();
        volume.Gate.IsOpen.ShouldBeFalse();
        var calls = disk.Calls;
        volume.FlushAhead();
        Should.Throw<BlockDeviceException>(volume.Flush);
        disk.Calls.ShouldBe(calls);
        volume.Durable.ShouldBe(durable);
    }

    [Fact]
    public async Task Nobody_waits_for_a_flush_that_was_not_asked_for()
    {
        using var released = new ManualResetEventSlim(true);
        var disk = new HeldFlush(released);
        using var store = new StoreFixture(faults: disk);
        var volume = store.Set.Create("v", 64 * 4096);
        StoreFixture.Write(volume, 0, new byte[4096]);
        await store.Set.Maintenance.DrainAsync(); // It flushes files of its own, without the lock that is asked about here.
        released.Reset();
        var flushing = Task.Run(volume.Flush);
        await disk.Entered.WaitAsync(TimeSpan.FromSeconds(30));
        StoreFixture.Write(volume, 0, new byte[4096]);
        await Task.Run(volume.FlushAhead, TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken); // Would wait for the other.
        volume.Durable.ShouldBeLessThan(volume.Appended);
        released.Set();
        await flushing.WaitAsync(TimeSpan.FromSeconds(30));
    }

    private static void Commit(Volume volume, int times)
    {
        for (var i = 0; i <= times; i++)
        {
            StoreFixture.Write(volume, i * 4096, StoreFixture.Pattern(4096, i));
            volume.Flush();
        }
    }

    private sealed class HeldFlush(ManualResetEventSlim released) : StoreFaults
    {
        private readonly TaskCompletionSource _entered = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Entered => _entered.Task;

        public override int ErrorFor(DiskCall call, string path)
        {
            if (call == DiskCall.Sync && !released.IsSet)
            {
                _entered.TrySetResult();
                released.Wait(TimeSpan.FromSeconds(60)); // A test that fails must end.
            }

            return 0;
        }
    }
}
