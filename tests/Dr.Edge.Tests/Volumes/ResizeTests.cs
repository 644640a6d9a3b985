using Dr.Contracts.Errors;
using Dr.Contracts.Mqtt;
using Dr.Edge.Volumes;
using Microsoft.Extensions.Time.Testing;

namespace Dr.Edge.Tests.Volumes;

/// <summary>A volume that grows: the past keeps its sizes, in views, clones, digests and restores, also when it grew past a branch of the map and after a crash.</summary>
public sealed class ResizeTests : IDisposable
{
    private const int MiB = 1 << 20;
    private const int Piece = 64 * 1024;

    // Across the first gigabyte: that is where the map's first branch ends.
    private const long Old = (1L << 30) - MiB;
    private const long New = (1L << 30) + (4 * MiB);
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);
    private readonly StoreFixture _store;
    private Volume _volume;

    public ResizeTests()
    {
        _store = new StoreFixture(_time, fineWindow: TimeSpan.FromHours(1));
        _volume = _store.Set.Create("v", Old);
        StoreFixture.Write(_volume, Old - Piece, StoreFixture.Pattern(Piece, 1));
    }

    public void Dispose() => _store.Dispose();

    [Fact]
    public void Views_and_clones_are_as_large_as_the_volume_was_then()
    {
        var before = Point("before");
        var moment = _time.GetUtcNow();
        var digest = _volume.ContentDigest(before.Id);
        _time.Advance(TimeSpan.FromMilliseconds(2));
        _volume.Resize(New);
        var after = Point("after"); // At the same write as the one before.
        StoreFixture.Write(_volume, New - Piece, StoreFixture.Pattern(Piece, 2));
        Point("written");

        for (var round = 0; round < 2; round++)
        {
            SizeOf(_volume.OpenView(before.Id)).ShouldBe(Old);
            SizeOf(_volume.OpenView(moment)).ShouldBe(Old);
            SizeOf(_volume.OpenView(after.Id)).ShouldBe(New);
            SizeOf(_volume.OpenNow()).ShouldBe(New);
            _volume.ContentDigest(before.Id).ShouldBe(digest, "the digest of a point changed when the volume grew");
            _store.Set.CreateClone(_volume, before.Id, $"old{round}").SizeBytes.ShouldBe(Old);
            _store.Set.CreateClone(_volume, moment, $"moment{round}").SizeBytes.ShouldBe(Old);
            _store.Set.CreateClone(_volume, after.Id, $"new{round}").SizeBytes.ShouldBe(New);
            _store.Crash();
            _volume = _store.Set.Get("v");
        }

        using var lease = _store.Set.Open($"v@{before.Id}")!;
        (lease.Info.SizeBytes, lease.Device.SizeBytes).ShouldBe((Old, Old));
        _store.Set.List().Single(export => export.Name == $"v@{before.Id}").SizeBytes.ShouldBe(Old);
    }

    [Fact]
    public void A_clone_of_before_grows_by_itself_and_shows_nothing_of_its_parents_new_end()
    {
        var before = Point("before");
        _volume.Resize(New);
        StoreFixture.Write(_volume, Old, StoreFixture.Pattern(Piece, 2));
        var clone = _store.Set.CreateClone(_volume, before.Id, "c");
        clone.Resize(New + MiB);
        Read(clone, Old, Piece).ShouldAllBe(value => value == 0);
        StoreFixture.Write(clone, New, StoreFixture.Pattern(Piece, 3));
        clone.CreatePoint(null, PointConsistency.Crash, null);
        _store.Crash();
        clone = _store.Set.Get("c");
        clone.SizeBytes.ShouldBe(New + MiB);
        Read(clone, New, Piece).ShouldBe(StoreFixture.Pattern(Piece, 3));
        Read(clone, Old - Piece, Piece).ShouldBe(StoreFixture.Pattern(Piece, 1));
        Read(_store.Set.Get("v"), Old, Piece).ShouldBe(StoreFixture.Pattern(Piece, 2));
    }

    [Fact]
    public void A_restore_to_a_smaller_past_keeps_the_size_leaves_zeros_behind_it_and_can_be_undone()
    {
        var before = Point("before");
        _volume.Resize(New);
        StoreFixture.Write(_volume, New - Piece, StoreFixture.Pattern(Piece, 2));
        StoreFixture.Write(_volume, Old - Piece, StoreFixture.Pattern(Piece, 3));
        var undo = _volume.Restore(before.Id, before.At, null, CancellationToken.None);
        _volume.SizeBytes.ShouldBe(New);
        Read(_volume, New - Piece, Piece).ShouldAllBe(value => value == 0);
        Read(_volume, Old - Piece, Piece).ShouldBe(StoreFixture.Pattern(Piece, 1));

        _volume.Restore(undo.Id, undo.At, null, CancellationToken.None);
        Read(_volume, New - Piece, Piece).ShouldBe(StoreFixture.Pattern(Piece, 2));
        Read(_volume, Old - Piece, Piece).ShouldBe(StoreFixture.Pattern(Piece, 3));
    }

    [Fact]
    public void Shrinking_and_sizes_that_cannot_be_are_refused_with_both_sizes_and_the_same_size_is_no_change()
    {
        Should.Throw<DrException>(() => _volume.Resize(Old - MiB)).Message.ShouldContain($"cannot shrink to {Old - MiB}");
        Should.Throw<DrException>(() => _volume.Resize(Old + 512)).Hint.ShouldNotBeNull().ShouldContain("multiple of 4 KiB");
        Should.Throw<DrException>(() => _volume.Resize((1L << 44) + 4096));
        _volume.Resize(Old);
        _volume.FormerSizes.ShouldBeEmpty();
        _volume.Demote(new Dr.Contracts.Ids.Epoch(2));
        Should.Throw<DrException>(() => _volume.Resize(New)).Message.ShouldContain("not primary");
    }

    private static long SizeOf(VolumeView view)
    {
        using (view)
        {
            // Its last byte can be read, and the next one not.
            view.Read(view.SizeBytes - 1, new byte[1]);
            Should.Throw<BlockDeviceException>(() => view.Read(view.SizeBytes, new byte[1]));
            return view.SizeBytes;
        }
    }

    private static byte[] Read(IBlockDevice device, long offset, int length)
    {
        var content = new byte[length];
        device.Read(offset, content);
        return content;
    }

    private PointInfo Point(string label) => _volume.CreatePoint(label, PointConsistency.Crash, null);
}
