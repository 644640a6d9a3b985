using Dr.Contracts.Errors;
using Dr.Contracts.Mqtt;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Format;
using Microsoft.Extensions.Time.Testing;

namespace Dr.Edge.Tests.Volumes;

public sealed class VolumeTests : IDisposable
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
    private readonly StoreFixture _store;
    private readonly Volume _volume;

    public VolumeTests()
    {
        _store = new StoreFixture(_time, fineWindow: TimeSpan.FromHours(1));
        _volume = _store.Set.Create("v", 64 * 4096);
    }

    public void Dispose() => _store.Dispose();

    [Fact]
    public void A_write_and_a_read_of_one_block_allocate_nothing()
    {
        var data = StoreFixture.Pattern(4096, 1);
        var extents = new WriteExtent[] { new(4096, 4096, ExtentKind.Data, data), new(8192, 4096, ExtentKind.Data, data), new(0, 4096, ExtentKind.Zero, default) };
        var buffer = new byte[8192];
        for (var i = 0; i < 2000; i++)
        {
            Once();
        }

        Allocated.Least(() =>
        {
            for (var i = 0; i < 1000; i++)
            {
                Once();
            }
        }).ShouldBe(0);

        void Once()
        {
            _volume.Write(extents, forceUnitAccess: false);
            _volume.Read(4096, buffer);
        }
    }

    [Fact]
    public void Sub_block_writes_keep_what_they_do_not_touch_and_cost_one_block_together()
    {
        StoreFixture.Write(_volume, 0, StoreFixture.Pattern(4096, 1));
        var expected = StoreFixture.Pattern(4096, 1);
        var sectors = Enumerable.Range(0, 8).Select(i => new WriteExtent(i * 512, 512, ExtentKind.Data, StoreFixture.Pattern(512, i))).Where((_, i) => i != 3).ToArray();
        foreach (var sector in sectors)
        {
            sector.Data.Span.CopyTo(expected.AsSpan((int)sector.Offset));
        }

        var before = _volume.Appended;
        _volume.Write(sectors, forceUnitAccess: false);
        StoreFixture.ReadAll(_volume).AsSpan(0, 4096).SequenceEqual(expected).ShouldBeTrue();
        _volume.Appended.Value.ShouldBe(before.Value + 1);
    }

    [Fact]
    public void Overlapping_extents_of_one_batch_apply_in_order()
    {
        _volume.Write(
            [
                new WriteExtent(0, 8192, ExtentKind.Data, Enumerable.Repeat((byte)1, 8192).ToArray()),
                new WriteExtent(2048, 4096, ExtentKind.Zero, default),
                new WriteExtent(3000, 100, ExtentKind.Data, Enumerable.Repeat((byte)2, 100).ToArray()),
                new WriteExtent(4096, 4096, ExtentKind.Zero, default),
                new WriteExtent(5000, 10, ExtentKind.Data, Enumerable.Repeat((byte)3, 10).ToArray()),
            ],
            forceUnitAccess: false);
        var expected = new byte[8192];
        expected.AsSpan(0, 2048).Fill(1);
        expected.AsSpan(3000, 100).Fill(2);
        expected.AsSpan(5000, 10).Fill(3);
        StoreFixture.ReadAll(_volume).AsSpan(0, 8192).SequenceEqual(expected).ShouldBeTrue();
    }

    [Fact]
    public void Any_moment_of_the_history_can_be_opened()
    {
        var contents = new List<(DateTimeOffset At, byte[] Content)>();
        for (var i = 0; i < 6; i++)
        {
            StoreFixture.Write(_volume, i * 1000, StoreFixture.Pattern(5000, i));
            contents.Add((_time.GetUtcNow(), StoreFixture.ReadAll(_volume)));
            if (i % 2 == 1)
            {
                _volume.CreatePoint(null, PointConsistency.Crash, null);
            }

            _time.Advance(TimeSpan.FromSeconds(10));
        }

        foreach (var (at, content) in contents)
        {
            using var lease = _store.Set.Open($"v@{at.AddSeconds(5):O}")!;
            StoreFixture.ReadAll(lease.Device).ShouldBe(content);
            lease.Info.IsReadOnly.ShouldBeTrue();
        }

        using var ago = _store.Set.Open("v@-25s")!;
        StoreFixture.ReadAll(ago.Device).ShouldBe(contents[3].Content);
        Should.Throw<DrException>(() => _store.Set.Open("v@2031-01-01T00:00:00Z"));
        Should.Throw<DrException>(() => _store.Set.Open("v@2001-01-01T00:00:00Z"));
        Should.Throw<DrException>(() => _store.Set.Open("v@nonsense"));
        _store.Set.Open("other").ShouldBeNull();
    }

    [Fact]
    public void A_volume_holds_255_points_and_refuses_one_more()
    {
        for (var i = 0; i < StoreLimits.MaxPoints; i++)
        {
            StoreFixture.Write(_volume, 0, [(byte)i]);
            _volume.CreatePoint($"p{i}", PointConsistency.Crash, null);
        }

        Should.Throw<DrException>(() => _volume.CreatePoint(null, PointConsistency.Crash, null)).Hint.ShouldNotBeNull();
        _store.Reopen();
        var volume = _store.Set.Get("v");
        volume.Points.Count.ShouldBe(StoreLimits.MaxPoints);
        foreach (var index in (int[])[0, 100, 254])
        {
            using var view = volume.OpenView(volume.Points[index].Id);
            var first = new byte[1];
            view.Read(0, first);
            first[0].ShouldBe((byte)index);
        }
    }

    [Fact]
    public void A_held_point_cannot_be_deleted_until_it_is_let_go()
    {
        var point = _volume.CreatePoint(null, PointConsistency.Crash, null);
        using (_volume.OpenView(point.Id))
        {
            Should.Throw<DrException>(() => _volume.DeletePoint(point.Id));
        }

        _store.Set.CreateClone(_volume, point.Id, "c");
        Should.Throw<DrException>(() => _volume.DeletePoint(point.Id));
        Should.Throw<DrException>(() => _store.Set.Delete("v"));
        _store.Set.Delete("c");
        _volume.DeletePoint(point.Id).ShouldBeTrue();
        _volume.DeletePoint(point.Id).ShouldBeFalse();
    }

    [Fact]
    public void A_restore_can_be_undone()
    {
        StoreFixture.Write(_volume, 0, StoreFixture.Pattern(50_000, 1));
        var point = _volume.CreatePoint(null, PointConsistency.Crash, null);
        var then = StoreFixture.ReadAll(_volume);
        StoreFixture.Zero(_volume, 8192, 20_000);
        StoreFixture.Write(_volume, 100_000, StoreFixture.Pattern(50_000, 2));
        var now = StoreFixture.ReadAll(_volume);
        var before = _volume.Restore(point.Id, default, null, CancellationToken.None);
        StoreFixture.ReadAll(_volume).ShouldBe(then);
        _volume.Restore(before.Id, default, null, CancellationToken.None);
        StoreFixture.ReadAll(_volume).ShouldBe(now);
        _volume.Gate.IsOpen.ShouldBeTrue();
    }

    [Fact]
    public void A_second_set_on_the_same_directory_is_refused() =>
        Should.Throw<DrException>(() => VolumeSet.Open(_store.Directory, _time)).Message.ShouldContain("in use");

    [Fact]
    public void Trimmed_ranges_are_holes()
    {
        StoreFixture.Write(_volume, 0, StoreFixture.Pattern(20_480, 1));
        StoreFixture.Zero(_volume, 4096, 8192);
        var runs = new List<AllocationRun>();
        _volume.GetAllocation(0, _volume.SizeBytes, 10, runs);
        runs.ShouldBe([new AllocationRun(4096, false), new AllocationRun(8192, true), new AllocationRun(8192, false), new AllocationRun(_volume.SizeBytes - 20_480, true)]);
    }

    [Fact]
    public void A_grown_volume_keeps_its_content_and_takes_writes_at_its_new_end()
    {
        StoreFixture.Write(_volume, 0, StoreFixture.Pattern(4096, 1));
        _volume.Resize(1 << 20);
        StoreFixture.Write(_volume, (1 << 20) - 4096, StoreFixture.Pattern(4096, 2));
        var content = StoreFixture.ReadAll(_volume);
        _store.Crash();
        StoreFixture.ReadAll(_store.Set.Get("v")).ShouldBe(content);
        Should.Throw<DrException>(() => _store.Set.Get("v").Resize(4096));
    }

    [Fact]
    public async Task Readers_see_whole_blocks_of_one_write_while_writers_overwrite_them()
    {
        using var stop = new CancellationTokenSource();
        var writer = Task.Run(() =>
        {
            for (var i = 0; !stop.IsCancellationRequested; i++)
            {
                StoreFixture.Write(_volume, 4096 * (i % 4), Enumerable.Repeat((byte)i, 4096).ToArray());
            }
        });
        var block = new byte[4096];
        for (var i = 0; i < 20_000; i++)
        {
            _volume.Read(4096 * (i % 4), block);
            block.AsSpan().IndexOfAnyExcept(block[0]).ShouldBe(-1);
        }

        await stop.CancelAsync();
        await writer;
    }
}
