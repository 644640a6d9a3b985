using Dr.Contracts.Errors;
using Dr.Contracts.Mqtt;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Format;
using Microsoft.Extensions.Time.Testing;

namespace Dr.Edge.Tests.Volumes.Compacting;

/// <summary>Compaction of a real volume: what is freed, what stays readable, what is refused.</summary>
public sealed class CompactionTests : IDisposable
{
    private const int SizeBytes = 4 << 20;
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 5, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly StoreFixture _store;
    private readonly Volume _volume;

    public CompactionTests()
    {
        _store = new StoreFixture(_time, fineWindow: TimeSpan.FromHours(1));
        _volume = _store.Set.Create("v", SizeBytes);
    }

    public void Dispose() => _store.Dispose();

    [Fact]
    public void Deleting_a_middle_point_frees_what_only_it_needed_once_it_has_left_the_fine_window()
    {
        var (first, firstContent) = Point(1);
        var (middle, _) = Point(2);
        var (last, lastContent) = Point(3);
        _volume.DeletePoint(middle.Id);
        var before = _volume.AllocatedBytes;
        CompactedLayers().ShouldBe(0, "it is inside the fine window");
        _time.Advance(TimeSpan.FromHours(2));
        CompactedLayers().ShouldBe(1);
        _volume.AllocatedBytes.ShouldBeLessThan(before - (SizeBytes / 4));
        _volume.State.Layers.Count(layer => layer.Kind == LayerKind.Compacted).ShouldBe(1);
        for (var round = 0; round < 2; round++)
        {
            var volume = _store.Set.Get("v");
            Content(volume, first).ShouldBe(firstContent);
            Content(volume, last).ShouldBe(lastContent);
            StoreFixture.ReadAll(volume).ShouldBe(lastContent);
            new Verifier(volume, (_, _) => { }, CancellationToken.None).Run(null, null).Bad.ShouldBeEmpty();
            volume.ContentDigest(last.Id).ShouldBe(volume.ContentDigest(volume.Points[^1].Id));
            _store.Reopen();
        }
    }

    [Fact]
    public void A_moment_inside_a_compacted_layer_is_refused_with_the_nearest_points_and_never_served_as_another()
    {
        var (first, _) = Point(1);
        _time.Advance(TimeSpan.FromMinutes(1));
        StoreFixture.Write(_volume, 0, StoreFixture.Pattern(SizeBytes / 2, 7));
        var inside = _time.GetUtcNow();
        _time.Advance(TimeSpan.FromMinutes(1));
        StoreFixture.Write(_volume, 0, StoreFixture.Pattern(SizeBytes / 2, 8));
        var (last, _) = Point(9);
        CompactedLayers().ShouldBe(0);
        _time.Advance(TimeSpan.FromHours(2));
        using (_volume.OpenView(inside))
        {
            CompactedLayers().ShouldBe(0, "somebody looks at it");
        }

        var position = new JournalReader(_volume, first.Sequence.Value);
        CompactedLayers().ShouldBe(1);
        var refused = Should.Throw<DrException>(() => _volume.OpenView(inside));
        refused.Message.ShouldContain("fine window");
        refused.Hint!.ShouldContain(first.Id.Value);
        refused.Hint!.ShouldContain(last.Id.Value);
        Should.Throw<DrException>(() => _volume.HoldPosition(new Dr.Contracts.Ids.SequenceNumber(first.Sequence.Value + 1), "test"));
        position.TryRead(out _);
        position.TryRead(out _).ShouldBe(JournalStatus.Gone);
        position.Dispose();
        using var edge = _volume.OpenView(last.At);
        edge.Sequence.ShouldBe(last.Sequence);
    }

    [Fact]
    public void What_a_point_a_clone_or_a_copy_needs_is_not_merged()
    {
        var (first, _) = Point(1);
        var (held, _) = Point(2);
        var (last, _) = Point(3);
        _store.Set.CreateClone(_volume, held.Id, "c");
        _time.Advance(TimeSpan.FromHours(2));
        CompactedLayers().ShouldBe(0, "the clone has the layers open, and each lies between two points");
        _store.Set.Delete("c");
        using (_volume.Hold(first.Sequence, "the copy at b has no more yet"))
        {
            _volume.DeletePoint(held.Id).ShouldBeTrue();
            CompactedLayers().ShouldBe(0, "the copy reads the journal from there on");
        }

        CompactedLayers().ShouldBe(1);
        _volume.ChangedBlocks(first.Id, last.Id).Sum(range => range.Count).ShouldBe(SizeBytes / 4096 / 2);
    }

    [Fact]
    public void A_view_that_was_opened_before_reads_on_and_writers_go_on_meanwhile()
    {
        Point(1);
        var (middle, _) = Point(2);
        var (last, lastContent) = Point(3);
        _volume.DeletePoint(middle.Id);
        _time.Advance(TimeSpan.FromHours(2));
        using var stop = new CancellationTokenSource();
        var live = StoreFixture.ReadAll(_volume);
        var writer = new Thread(() =>
        {
            for (var i = 0; !stop.IsCancellationRequested; i++)
            {
                var data = StoreFixture.Pattern(4096, i);
                StoreFixture.Write(_volume, (i % 64) * 4096L, data);
                data.CopyTo(live, (i % 64) * 4096);
            }
        });
        writer.Start();
        CompactedLayers().ShouldBe(1);
        stop.Cancel();
        writer.Join(TimeSpan.FromSeconds(30)).ShouldBeTrue();
        StoreFixture.ReadAll(_volume).ShouldBe(live);
        Content(_volume, last).ShouldBe(lastContent);
        _store.Crash();
        StoreFixture.ReadAll(_store.Set.Get("v")).ShouldBe(live);
    }

    [Fact]
    public void A_compacted_layer_moves_into_the_base_like_any_other()
    {
        var (first, _) = Point(1);
        var (middle, _) = Point(2);
        var (last, lastContent) = Point(3);
        _volume.DeletePoint(middle.Id);
        _time.Advance(TimeSpan.FromHours(2));
        CompactedLayers().ShouldBe(1);
        _volume.DeletePoint(first.Id);
        Settle();
        _volume.State.Layers.Count.ShouldBe(1);
        Content(_volume, last).ShouldBe(lastContent);
        _store.Reopen();
        Content(_store.Set.Get("v"), last).ShouldBe(lastContent);
    }

    [Fact]
    public void Damaged_data_is_not_carried_over()
    {
        Point(1);
        var (middle, _) = Point(2);
        Point(3);
        Settle();
        _volume.DeletePoint(middle.Id);
        Settle();
        _time.Advance(TimeSpan.FromHours(2));
        var path = Layer.PathOf(_volume.DirectoryPath, _volume.State.Layers[^2].Number);
        using (var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
        {
            RandomAccess.Write(file, [0xAA, 0x55, 0xAA], _volume.State.Layers[^2].LengthBytes - 2000);
        }

        Should.Throw<CorruptDataException>(() => _volume.Compact());
        File.Exists(path).ShouldBeTrue();
        Directory.GetFiles(Path.GetDirectoryName(path)!).Length.ShouldBe(_volume.State.Layers.Count);
    }

    /// <summary>What the fine window would keep for an hour yet goes with a point whose space is wanted now; what other points show stays, and so does the journal of the points that stay.</summary>
    [Fact]
    public void A_point_deleted_for_its_space_takes_the_moments_that_led_up_to_it_with_it_and_a_restart_remembers()
    {
        var (first, firstContent) = Point(1);
        var points = Enumerable.Range(2, 5).Select(i => Point(i).Point).ToList();
        var (last, lastContent) = Point(7);
        Settle();
        var before = _volume.AllocatedBytes;
        points.ForEach(point => _volume.DeletePoint(point.Id, giveUpMoments: true).ShouldBeTrue());
        _volume.State.Layers.Count(layer => layer.GivenUp is true).ShouldBeInRange(1, 5);
        _store.Reopen();
        var volume = _store.Set.Get("v");
        Settle();
        volume.AllocatedBytes.ShouldBeLessThan(before - (3 * SizeBytes / 2), "four of five layers were written over within the stretch");
        Content(volume, first).ShouldBe(firstContent);
        Content(volume, last).ShouldBe(lastContent);

        // The oldest: into the base, points or not.
        volume.DeletePoint(first.Id, giveUpMoments: true);
        volume.DeletePoint(last.Id, giveUpMoments: true);
        Settle();
        volume.State.Layers.Count.ShouldBe(1, "only the head is left");
        StoreFixture.ReadAll(volume).ShouldBe(lastContent);
        new Verifier(volume, (_, _) => { }, CancellationToken.None).Run(null, null).Bad.ShouldBeEmpty();
    }

    [Fact]
    public void Without_a_wish_for_its_space_a_deleted_point_leaves_its_moments_to_the_fine_window()
    {
        Point(1);
        var (middle, _) = Point(2);
        Point(3);
        _volume.DeletePoint(middle.Id);
        CompactedLayers().ShouldBe(0);
        _volume.State.Layers.ShouldAllBe(layer => layer.GivenUp == null);
    }

    private void Settle() => _store.Set.Maintenance.DrainAsync().Wait();

    /// <summary>Compacts what may be, also when the background has begun with it already.</summary>
    private int CompactedLayers()
    {
        Settle();
        _volume.Compact();
        return _volume.State.Layers.Count(layer => layer.Kind == LayerKind.Compacted);
    }

    private (PointInfo Point, byte[] Content) Point(int seed)
    {
        StoreFixture.Write(_volume, 0, StoreFixture.Pattern(SizeBytes / 2, seed));
        if (seed % 2 == 0)
        {
            StoreFixture.Zero(_volume, SizeBytes / 4, SizeBytes / 8);
        }

        var content = StoreFixture.ReadAll(_volume);
        _time.Advance(TimeSpan.FromMinutes(1));
        return (_volume.CreatePoint($"p{seed}", PointConsistency.Crash, null), content);
    }

    private static byte[] Content(Volume volume, PointInfo point)
    {
        using var view = volume.OpenView(point.Id);
        return StoreFixture.ReadAll(view);
    }
}
