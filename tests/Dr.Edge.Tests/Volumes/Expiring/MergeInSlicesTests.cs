using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Format;
using Dr.Edge.Volumes.Mapping;

namespace Dr.Edge.Tests.Volumes.Expiring;

/// <summary>The oldest layer on its way into the base, stopped between two slices: everything must read as before, be checked as before, and go on.</summary>
public sealed class MergeInSlicesTests : IDisposable
{
    private const int Block = 4096;
    private const int Blocks = 256;
    private readonly StuckBase _disk = new();
    private readonly StoreFixture _store;
    private readonly byte[] _content = new byte[Blocks * Block];
    private Volume _volume;
    private PointInfo _later = null!;
    private byte[] _atLater = null!;

    public MergeInSlicesTests()
    {
        _store = new StoreFixture(faults: _disk);
        _volume = _store.Set.Create("v", Blocks * Block);
        _store.Set.MergeSliceBytes = 100_000;
    }

    public void Dispose()
    {
        _disk.WritesLeft = int.MaxValue;
        _store.Dispose();
    }

    [Fact]
    public async Task A_merge_that_stops_midway_has_given_back_what_it_moved_and_goes_on_where_it_was()
    {
        await StopMidwayAsync();
        var layer = LayerPath();
        var (moved, length) = (_volume.State.MergedTo!.Value, new FileInfo(layer).Length);
        moved.ShouldBeInRange(100_000, length - 100_000);
        Posix.Allocated(layer, out var allocated, out _).ShouldBe(0);
        allocated.ShouldBeLessThan(length - moved + (4 * Block), "what was moved has no space any more");
        ShouldReadAsBefore();
        _store.Crash();
        Reload();
        _volume.State.MergedTo.ShouldBe(moved, "nothing of what was done is done again");
        ShouldReadAsBefore();
        _disk.WritesLeft = int.MaxValue;
        await AdvanceAsync();
        (_volume.State.Merging, _volume.State.MergedTo, _volume.State.BaseSequence).ShouldBe((null, null, _later.Sequence.Value));
        File.Exists(Path.Combine(_volume.DirectoryPath, "layers", Path.GetFileName(layer))).ShouldBeFalse();
        ShouldReadAsBefore();
        _store.Reopen();
        Reload();
        ShouldReadAsBefore();
    }

    [Fact]
    public async Task A_view_that_was_opened_before_still_reads_what_has_moved()
    {
        Prepare();
        using var view = _volume.OpenView(_later.Id);
        _disk.WritesLeft = 20;
        _volume.DeletePoint(_volume.Points[0].Id);
        await _store.Set.Maintenance.DrainAsync();
        _volume.State.MergedTo.ShouldNotBeNull();
        StoreFixture.ReadAll(view).ShouldBe(_atLater);
        StoreFixture.Write(_volume, 0, StoreFixture.Pattern(Block, 99));
        _disk.WritesLeft = int.MaxValue;
        await AdvanceAsync();
        _volume.State.BaseSequence.ShouldBe(_later.Sequence.Value);
        StoreFixture.ReadAll(view).ShouldBe(_atLater);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_the_layer_still_has_and_what_has_moved_are_both_checked(bool moved)
    {
        await StopMidwayAsync();
        var layer = _volume.State.Layers[0];
        var end = _volume.State.MergedTo!.Value;
        var file = moved ? Path.Combine(_volume.DirectoryPath, "base.img") : LayerPath();
        var offset = moved
            ? IndexOf(layer).First(entry => entry.FileOffset < end).FirstBlock * Block
            : IndexOf(layer).First(entry => entry.FileOffset >= end).FileOffset;
        _store.Reopen(() => Flip(file, offset + 17));
        Reload();
        var bad = new Verifier(_volume, (_, _) => { }, CancellationToken.None).Run(null, null).Bad;
        bad.ShouldContain(range => range.Where == file && range.Offset == offset);
    }

    [Fact]
    public async Task An_entry_of_the_base_that_vanishes_after_its_block_has_moved_stops_the_volume()
    {
        await StopMidwayAsync();
        var end = _volume.State.MergedTo!.Value;
        var block = IndexOf(_volume.State.Layers[0]).First(entry => entry.FileOffset < end).FirstBlock;
        _store.Reopen(() =>
        {
            using var file = File.OpenHandle(Path.Combine(_volume.DirectoryPath, "base.crc"), FileMode.Open, FileAccess.ReadWrite);
            RandomAccess.Write(file, new byte[BaseImage.EntryBytes], block * BaseImage.EntryBytes);
        });
        Reload();
        _volume.Fault!.ShouldContain($"block {block}, which has moved here");
    }

    [Fact]
    public async Task Without_its_index_the_rest_of_the_layer_is_read_from_its_batches()
    {
        await StopMidwayAsync();
        var layer = _volume.State.Layers[0];
        _store.Reopen(() => Flip(LayerPath(), layer.LengthBytes + LayerIndex.HeaderBytes + 3));
        Reload();
        _volume.Fault.ShouldBeNull();
        ShouldReadAsBefore();
        _disk.WritesLeft = int.MaxValue;
        await AdvanceAsync();
        _volume.State.Merging.ShouldBeNull();
        ShouldReadAsBefore();
    }

    [Fact]
    public async Task A_rebuild_without_a_manifest_finds_how_far_the_layer_had_moved()
    {
        await StopMidwayAsync();
        var directory = _volume.DirectoryPath;
        _store.Reopen(() => File.WriteAllBytes(Path.Combine(directory, Volume.ManifestName), new byte[100]));
        _store.Set.Rebuild(_volume.Id.Value, null, isNoClone: false, apply: true, (_, _) => { }, CancellationToken.None).Bad.ShouldBeEmpty();
        Reload();
        _volume.Fault.ShouldBeNull();
        StoreFixture.ReadAll(_volume).AsSpan().SequenceEqual(_content).ShouldBeTrue();
    }

    [Fact]
    public async Task Of_a_block_that_was_written_again_and_again_only_the_last_version_is_copied()
    {
        for (var i = 0; i < 200; i++)
        {
            Write(i % 10, 4);
        }

        var writes = int.MaxValue - 1;
        _disk.WritesLeft = writes;
        _volume.CreatePoint(null, PointConsistency.Crash, null);
        await _store.Set.Maintenance.DrainAsync();
        _volume.State.BaseSequence.ShouldBe(_volume.Points[0].Sequence.Value);
        (writes - _disk.WritesLeft).ShouldBeLessThan(14, "thirteen blocks were written");
        StoreFixture.ReadAll(_volume).AsSpan().SequenceEqual(_content).ShouldBeTrue();
    }

    [Fact]
    public async Task A_block_that_ends_as_zeros_never_shows_what_the_layer_wrote_there_before()
    {
        // The base has nothing there, so that a map made from the layer's index needs no entry for it.
        _volume.CreatePoint(null, PointConsistency.Crash, null);
        Write(250, 3);
        for (var block = 0; block < 200; block += 2)
        {
            Write(block, 1);
        }

        StoreFixture.Zero(_volume, 250 * Block, 3 * Block);
        _content.AsSpan(250 * Block, 3 * Block).Clear();
        _later = _volume.CreatePoint(null, PointConsistency.Crash, null);
        _atLater = [.. _content];
        _disk.WritesLeft = 0;
        _volume.DeletePoint(_volume.Points[0].Id);
        await _store.Set.Maintenance.DrainAsync();
        _store.Reopen();
        Reload();
        _disk.WritesLeft = 40;
        await AdvanceAsync();
        _volume.State.MergedTo.ShouldNotBeNull();
        ShouldReadAsBefore();
        _disk.WritesLeft = int.MaxValue;
        await AdvanceAsync();
        _volume.State.Merging.ShouldBeNull();
        ShouldReadAsBefore();
    }

    /// <summary>Two points; the oldest goes, and its layer comes to a stop in the middle because the disk is full.</summary>
    private async Task StopMidwayAsync()
    {
        Prepare();
        _disk.WritesLeft = 20;
        _volume.DeletePoint(_volume.Points[0].Id);
        await _store.Set.Maintenance.DrainAsync();
        _volume.State.Merging.ShouldNotBeNull();
        _volume.State.MergedTo.ShouldNotBeNull();
    }

    private void Prepare()
    {
        Write(0, 200);
        var first = _volume.CreatePoint(null, PointConsistency.Crash, null);
        var random = new Random(7);
        for (var i = 0; i < 150; i++)
        {
            Write(random.Next(Blocks - 4), 1 + random.Next(3));
            if (i % 20 == 3)
            {
                var at = random.Next(Blocks - 8);
                StoreFixture.Zero(_volume, at * Block, 5 * Block);
                _content.AsSpan(at * Block, 5 * Block).Clear();
            }
        }

        _later = _volume.CreatePoint(null, PointConsistency.Crash, null);
        _atLater = [.. _content];
        Write(30, 5);
        _volume.Flush();
        _store.Set.Maintenance.DrainAsync().Wait();
        _volume.State.BaseSequence.ShouldBe(first.Sequence.Value);
    }

    private void Write(int block, int count)
    {
        var data = StoreFixture.Pattern(count * Block, block + count);
        StoreFixture.Write(_volume, (long)block * Block, data);
        data.CopyTo(_content, block * Block);
    }

    private async Task AdvanceAsync()
    {
        _volume.PostMaintenance();
        await _store.Set.Maintenance.DrainAsync();
    }

    private void ShouldReadAsBefore()
    {
        StoreFixture.ReadAll(_volume).AsSpan().SequenceEqual(_content).ShouldBeTrue();
        using var view = _volume.OpenView(_later.Id);
        StoreFixture.ReadAll(view).AsSpan().SequenceEqual(_atLater).ShouldBeTrue();
        new Verifier(_volume, (_, _) => { }, CancellationToken.None).Run(null, null).Bad.ShouldBeEmpty();
    }

    private void Reload()
    {
        _volume = _store.Set.Get("v");
        _store.Set.MergeSliceBytes = 100_000;
        _store.Set.Maintenance.DrainAsync().Wait();
    }

    private string LayerPath() => Path.Combine(_volume.DirectoryPath, "layers", $"{_volume.State.Layers[0].Number}.log");

    /// <summary>All data entries of the layer's index, moved or not.</summary>
    private List<LayerIndex.Entry> IndexOf(LayerRecord layer)
    {
        var content = File.ReadAllBytes(LayerPath()).AsSpan((int)layer.LengthBytes);
        LayerIndex.TryReadAny(content, layer.Number, out _, out var count).ShouldBeTrue();
        var entries = new List<LayerIndex.Entry>();
        for (var i = 0; i < count; i++)
        {
            entries.Add(LayerIndex.Entry.Read(content[(LayerIndex.HeaderBytes + (i * LayerIndex.EntryBytes))..]));
        }

        return [.. entries.Where(entry => !entry.IsZero)];
    }

    private static void Flip(string path, long offset)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite);
        var value = new byte[1];
        RandomAccess.Read(file, value, offset);
        value[0] ^= 0x40;
        RandomAccess.Write(file, value, offset);
    }
}
