using Dr.Contracts.Errors;
using Dr.Contracts.Mqtt;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Retention;
using Dr.Edge.Volumes.Space;

namespace Dr.Edge.Tests.Volumes.Space;

public sealed class FullDiskTests : IDisposable
{
    private readonly SmallDisk _disk = new();
    private readonly StoreFixture _store;
    private readonly Volume _volume;

    public FullDiskTests()
    {
        _store = new StoreFixture(faults: _disk);
        _volume = _store.Set.Create("v", 1024 * 4096);
    }

    private SpaceLimits Limits => _store.Set.Space.Limits;

    public void Dispose()
    {
        _disk.IsFull = false;
        _store.Dispose();
    }

    [Fact]
    public void Clients_never_get_the_reserve_and_get_on_when_there_is_space_again()
    {
        StoreFixture.Write(_volume, 0, StoreFixture.Pattern(8192, 1), fua: true);
        var before = StoreFixture.ReadAll(_volume);
        SetAvailable(Limits.ReserveBytes - 1);
        Should.Throw<BlockDeviceException>(() => StoreFixture.Write(_volume, 0, StoreFixture.Pattern(8192, 2))).Error.ShouldBe(BlockError.NoSpace);
        _volume.Flush();
        _volume.Fault.ShouldBeNull();
        _volume.Gate.IsOpen.ShouldBeTrue();
        StoreFixture.ReadAll(_volume).ShouldBe(before);
        _volume.Counters.Refused.Count.ShouldBe(1);
        _disk.AvailableBytes = Limits.ReserveBytes + (1 << 20);
        StoreFixture.Write(_volume, 0, StoreFixture.Pattern(8192, 3), fua: true);
        StoreFixture.ReadAll(_volume).AsSpan(0, 8192).SequenceEqual(StoreFixture.Pattern(8192, 3)).ShouldBeTrue();
    }

    [Fact]
    public void What_is_written_counts_before_the_file_system_is_asked_again()
    {
        SetAvailable(Limits.ReserveBytes + (1 << 20));
        var written = 0;
        Should.Throw<BlockDeviceException>(() =>
        {
            for (; written < 1000; written++)
            {
                // The file system says what is used only later.
                _disk.AvailableBytes = Limits.ReserveBytes + (1 << 20) - (written * 4096);
                StoreFixture.Write(_volume, 0, new byte[4096]);
            }
        });
        written.ShouldBeInRange(120, 256);
    }

    [Fact]
    public void With_space_the_file_system_is_not_asked_for_every_write()
    {
        StoreFixture.Write(_volume, 0, new byte[4096]);
        var asked = _disk.Asked;
        for (var i = 0; i < 1000; i++)
        {
            StoreFixture.Write(_volume, 0, new byte[4096]);
        }

        _disk.Asked.ShouldBe(asked);
    }

    [Fact]
    public void In_half_of_the_reserve_no_point_is_taken_and_points_can_be_deleted()
    {
        StoreFixture.Write(_volume, 0, StoreFixture.Pattern(4096, 1));
        var first = _volume.CreatePoint(null, PointConsistency.Crash, null);
        StoreFixture.Write(_volume, 0, StoreFixture.Pattern(4096, 2));
        SetAvailable(Limits.PointsStopBytes - 1);
        Should.Throw<DrException>(() => _volume.CreatePoint(null, PointConsistency.Crash, null)).IsTransient.ShouldBeTrue();
        _volume.DeletePoint(first.Id).ShouldBeTrue();
        SetAvailable(Limits.PointsStopBytes);
        _volume.CreatePoint(null, PointConsistency.Crash, null);
        _volume.Fault.ShouldBeNull();
    }

    [Fact]
    public void A_disk_that_is_full_to_the_last_byte_refuses_a_point_before_the_head_is_swapped()
    {
        StoreFixture.Write(_volume, 0, StoreFixture.Pattern(4096, 1), fua: true);
        (_disk.Only, _disk.HasRoom, _disk.IsFull) = ("manifest", true, true);
        Should.Throw<DrException>(() =>
        {
            // The room taken ahead carries some records; then none is begun that could not be ended.
            for (var i = 0; i < 2000; i++)
            {
                StoreFixture.Write(_volume, 0, StoreFixture.Pattern(4096, i));
                _volume.CreatePoint(null, PointConsistency.Crash, null);
            }
        });
        _volume.Fault.ShouldBeNull();
        StoreFixture.Write(_volume, 0, StoreFixture.Pattern(4096, 7), fua: true);
        _disk.IsFull = false;
        _volume.CreatePoint(null, PointConsistency.Crash, null);
        _store.Crash();
        StoreFixture.ReadAll(_store.Set.Get("v")).AsSpan(0, 4096).SequenceEqual(StoreFixture.Pattern(4096, 7)).ShouldBeTrue();
    }

    [Fact]
    public void A_volume_opened_on_a_full_disk_is_readable_and_becomes_writable_by_itself()
    {
        StoreFixture.Write(_volume, 0, StoreFixture.Pattern(4096, 1), fua: true);
        _store.Reopen(() => _disk.IsFull = true);
        var volume = _store.Set.Get("v");
        volume.Fault.ShouldBeNull();
        volume.Gate.IsOpen.ShouldBeFalse();
        StoreFixture.ReadAll(volume).AsSpan(0, 4096).SequenceEqual(StoreFixture.Pattern(4096, 1)).ShouldBeTrue();
        volume.RetryWhenFull();
        volume.Gate.IsOpen.ShouldBeFalse();
        _disk.IsFull = false;
        volume.RetryWhenFull();
        volume.Gate.IsOpen.ShouldBeTrue();
        StoreFixture.Write(volume, 0, StoreFixture.Pattern(4096, 2), fua: true);
    }

    [Fact]
    public async Task A_write_larger_than_what_lies_between_the_lines_has_space_made_for_it_or_is_refused_in_the_end()
    {
        _volume.SetPolicy(new VolumePolicy { WhenFull = FullPolicy.HistoryGivesWay });
        StoreFixture.Write(_volume, 0, StoreFixture.Pattern(8 * 4096, 1));
        _volume.CreatePoint(null, PointConsistency.Crash, null);
        StoreFixture.Write(_volume, 0, StoreFixture.Pattern(8 * 4096, 2));
        SetAvailable(Limits.GiveWayBytes);
        using var giveWay = new GiveWay(_store.Set, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        _store.Set.Space.GivesWay = giveWay;
        _disk.AvailableBytes = Limits.ReserveBytes + 4096;
        var rounds = 0;
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var worker = Task.Run(
            async () =>
            {
                while (true)
                {
                    await giveWay.WantedAsync(ended.Token);
                    giveWay.RunOnce(ended.Token);
                    rounds++;
                    _disk.AvailableBytes += _volume.Points.Count == 0 ? 4 << 20 : 0;
                }
            },
            TestContext.Current.CancellationToken);
        await Task.Run(() => StoreFixture.Write(_volume, 0, StoreFixture.Pattern(512 * 4096, 3)), TestContext.Current.CancellationToken);
        rounds.ShouldBeGreaterThan(0);
        _volume.Points.ShouldBeEmpty();
        await ended.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(worker);
        giveWay.Stop();
        _store.Set.Space.GivesWay = null;
        SetAvailable(0);
        Should.Throw<BlockDeviceException>(() => StoreFixture.Write(_volume, 0, new byte[4096])).Error.ShouldBe(BlockError.NoSpace);
    }

    [Fact]
    public void The_reserve_follows_the_size_of_the_file_system_between_its_bounds()
    {
        SpaceLimits.For(1L << 40, null).ReserveBytes.ShouldBe(SpaceLimits.MaxReserveBytes);
        SpaceLimits.For(10L << 30, null).ReserveBytes.ShouldBe((10L << 30) / 64);
        SpaceLimits.For(256L << 20, null).ReserveBytes.ShouldBe(SpaceLimits.MinReserveBytes);
        SpaceLimits.For(16L << 20, null).ReserveBytes.ShouldBe(2L << 20);
        SpaceLimits.For(1L << 40, 123).ReserveBytes.ShouldBe(123);
    }

    /// <summary>A merge has its own copy before it frees anything: while the disk is short it takes as many layers as fit beside half of the reserve, and when two do not fit it waits.</summary>
    [Fact]
    public async Task A_short_disk_merges_as_many_layers_as_have_room_and_none_without_it()
    {
        await MakeLayersAsync(8);
        SetAvailable(Limits.PointsStopBytes + (128 * 4096));
        _volume.Compact().ShouldBe(0, "a merge of two has 256 blocks");
        SetAvailable(Limits.PointsStopBytes + (300 * 4096));
        _volume.Compact().ShouldBeGreaterThan(0);
        _volume.State.Layers.Count.ShouldBeLessThan(8);
        _volume.Fault.ShouldBeNull();
        new Verifier(_volume, (_, _) => { }, CancellationToken.None).Run(null, null).Bad.ShouldBeEmpty();
    }

    /// <summary>Points in the middle whose layers free nothing go only for so long: then the oldest goes, whatever it is called, which needs next to no room.</summary>
    [Fact]
    public void When_points_in_the_middle_free_nothing_the_oldest_goes()
    {
        MakePoints();
        var content = StoreFixture.ReadAll(_volume);
        var oldest = _volume.Points[0].Sequence.Value;
        using var giveWay = new GiveWay(_store.Set, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        SetAvailable(Limits.GiveWayBytes - 1);
        _disk.WhileAsked = () => _disk.AvailableBytes = _volume.State.BaseSequence > oldest ? Limits.GiveWayBytes + (1 << 20) : _disk.AvailableBytes;
        giveWay.RunOnce(TestContext.Current.CancellationToken).ShouldBeTrue();
        _volume.Points.Count.ShouldBeInRange(40 - GiveWay.MostInVain - 4, 40 - GiveWay.MostInVain);
        _volume.Points.ShouldNotContain(point => point.Label == "before the upgrade");
        StoreFixture.ReadAll(_volume).ShouldBe(content);
    }

    /// <summary>While something is read nothing can leave: points that went meanwhile would be lost for nothing.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task No_point_goes_while_a_reader_keeps_everything_and_a_verification_ends_for_it(bool takesLong)
    {
        MakePoints();
        await _store.Set.Maintenance.DrainAsync();
        using var giveWay = new GiveWay(_store.Set, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        using var reads = new ManualResetEventSlim();
        using var goesOn = new ManualResetEventSlim();
        var verification = Task.Factory.StartNew(
            () => _volume.VerifyFiles(
                (_, _, _, _) => { },
                _ =>
                {
                    reads.Set();
                    goesOn.Wait(TimeSpan.FromSeconds(30));
                },
                CancellationToken.None),
            TestContext.Current.CancellationToken,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default);
        reads.Wait(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken).ShouldBeTrue("the verification reads");
        _volume.MostBriefPauses = takesLong ? 20 : 12_000; // What is waited for here comes at last, however busy the machine is.
        var asked = _disk.Asked;
        SetAvailable(Limits.GiveWayBytes - 1);
        var round = Task.Factory.StartNew(() => giveWay.RunOnce(CancellationToken.None), TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        if (takesLong)
        {
            (await round).ShouldBeFalse();
            _volume.Points.Count.ShouldBe(40);
            goesOn.Set();
            (await Should.ThrowAsync<DrException>(verification)).IsTransient.ShouldBeTrue();
        }
        else
        {
            // Once when it was set and once by the round, which then has time for what it must not do.
            await Eventually.TrueAsync("the round looks at the disk", () => _disk.Asked > asked + 1);
            await Task.Delay(100, TestContext.Current.CancellationToken);
            _volume.Points.Count.ShouldBe(40);
            SetAvailable(Limits.GiveWayBytes + (1 << 20));
            goesOn.Set();
            await verification;
            await round;
        }

        _volume.Fault.ShouldBeNull();
    }

    private void MakePoints()
    {
        _volume.SetPolicy(new VolumePolicy { WhenFull = FullPolicy.HistoryGivesWay });
        for (var i = 0; i < 40; i++)
        {
            // Each block once: nothing in the middle is written twice.
            StoreFixture.Write(_volume, i * 8 * 4096, StoreFixture.Pattern(8 * 4096, i));
            _volume.CreatePoint(i == 0 ? "before the upgrade" : null, PointConsistency.Crash, i == 0 ? null : PointKinds.AutomaticReason);
        }
    }

    /// <summary>Layers between two points that stay, each with the same 256 blocks written anew.</summary>
    private async Task MakeLayersAsync(int count)
    {
        var points = new List<PointInfo>();
        for (var i = 0; i < count; i++)
        {
            StoreFixture.Write(_volume, 0, StoreFixture.Pattern(256 * 4096, i));
            points.Add(_volume.CreatePoint($"{i}", PointConsistency.Crash, null));
        }

        await _store.Set.Maintenance.DrainAsync();
        SetAvailable(0);
        points[1..^1].ForEach(point => _volume.DeletePoint(point.Id, giveUpMoments: true));
        await _store.Set.Maintenance.DrainAsync();
    }

    private void SetAvailable(long bytes)
    {
        _disk.AvailableBytes = bytes;
        _store.Set.Space.Refresh();
    }
}
