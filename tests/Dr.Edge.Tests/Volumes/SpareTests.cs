using Dr.Contracts.Mqtt;
using Dr.Edge.Cli;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Format;
using Dr.Edge.Volumes.Groups;

namespace Dr.Edge.Tests.Volumes;

/// <summary>The file of the next head is made before a point asks for it, and leaves no trace where it was not needed.</summary>
public sealed class SpareTests : IDisposable
{
    private const int SizeBytes = 64 * 4096;
    private readonly FailingDisk _disk = new();
    private readonly StoreFixture _store;

    public SpareTests() => _store = new StoreFixture(faults: _disk);

    public void Dispose() => _store.Dispose();

    [Fact]
    public void A_point_makes_no_file_and_flushes_no_directory()
    {
        var volume = Prepared();
        foreach (var call in new[] { DiskCall.Make, DiskCall.Sync })
        {
            StoreFixture.Write(volume, 0, StoreFixture.Pattern(4096, 1));
            Settle();
            var spare = LayerFiles(volume).Max();
            _disk.Count(call, call == DiskCall.Make ? ".log" : "/layers");
            volume.CreatePoint(null, PointConsistency.Crash, null);
            _disk.Calls.ShouldBeLessThanOrEqualTo(1, "the next spare may be made already, and nothing else");
            volume.State.Layers[^1].Number.ShouldBe(spare);
            _disk.Count(call, "");
        }
    }

    /// <summary>Whoever verifies right after a point meets the room behind the sealed layer, or an index without its header yet: that is no damage.</summary>
    [Fact]
    public void An_index_that_is_not_finished_yet_is_no_damage()
    {
        var volume = Prepared();
        for (var point = 0; point < 2; point++)
        {
            StoreFixture.Write(volume, 0, StoreFixture.Pattern(8 * 4096, point));
            volume.CreatePoint(null, PointConsistency.Crash, null);
        }

        Settle();
        var sealedLayer = volume.State.Layers[^2];
        using (var file = new FileStream(Layer.PathOf(volume.DirectoryPath, sealedLayer.Number), FileMode.Open, FileAccess.ReadWrite))
        {
            file.Length.ShouldBeGreaterThan(sealedLayer.LengthBytes, "it has its index");
            file.Position = sealedLayer.LengthBytes;
            file.Write(new byte[LayerIndex.HeaderBytes]);
            file.Flush();
            Bad().ShouldBeEmpty();
            file.Position = sealedLayer.LengthBytes;
            file.WriteByte(1);
            file.Flush();
        }

        Bad().ShouldHaveSingleItem().Problem.ShouldContain("index");

        IReadOnlyList<BadRange> Bad() => new Verifier(volume, (_, _) => { }, CancellationToken.None).Run(null, null).Bad;
    }

    [Fact]
    public void Every_member_of_a_group_uses_its_own()
    {
        Volume[] volumes = [Prepared("a"), Prepared("b")];
        var spares = volumes.Select(volume => LayerFiles(volume).Max()).ToList();
        Volume.CreateGroup([.. volumes.Select(volume => new GroupMember(volume, null))], null);
        volumes.Select(volume => volume.State.Layers[^1].Number).ShouldBe(spares);
    }

    [Fact]
    public void It_is_gone_after_a_close_in_order_and_after_a_crash_and_its_number_is_used_once()
    {
        var volume = Prepared();
        var spare = LayerFiles(volume).Max();
        _store.Reopen(() => LayerFiles(volume).ShouldNotContain(spare));
        Settle();
        volume = _store.Set.Get("v");
        LayerFiles(volume).Max().ShouldBe(spare);
        _store.Crash();
        volume = _store.Set.Get("v");
        Settle();
        LayerFiles(volume).Count.ShouldBe(volume.State.Layers.Count + 1);
        StoreFixture.Write(volume, 0, StoreFixture.Pattern(4096, 7));
        volume.CreatePoint(null, PointConsistency.Crash, null);
        volume.State.Layers.Select(layer => layer.Number).ShouldBeUnique();
    }

    [Fact]
    public void A_copy_that_follows_another_and_a_clone_without_points_have_none()
    {
        var replica = _store.Set.CreateReplica(Dr.Contracts.Ids.VolumeId.New(), "r", SizeBytes);
        var volume = Prepared();
        var clone = _store.Set.CreateClone(volume, volume.CreatePoint(null, PointConsistency.Crash, null).Id, "c");
        Settle();
        LayerFiles(replica).Count.ShouldBe(1);
        LayerFiles(clone).Count.ShouldBe(1);
        clone.CreatePoint(null, PointConsistency.Crash, null);
        Settle();
        LayerFiles(clone).Count.ShouldBe(clone.State.Layers.Count + 1);
    }

    [Fact]
    public void On_a_full_disk_there_is_none_and_the_volume_goes_on()
    {
        var volume = Prepared();
        _disk.Fail(DiskCall.Write, ".log", Posix.ENOSPC);
        volume.CreatePoint(null, PointConsistency.Crash, null); // With the spare that is there: nothing is written to it.
        Settle();
        volume.Fault.ShouldBeNull();
        LayerFiles(volume).Count.ShouldBe(volume.State.Layers.Count);
        _disk.Fail(DiskCall.Write, "", 0);
        volume.CreatePoint(null, PointConsistency.Crash, null);
        StoreFixture.Write(volume, 0, StoreFixture.Pattern(4096, 3), fua: true);
        volume.Fault.ShouldBeNull();
    }

    [Fact]
    public void A_flush_of_it_that_fails_stops_the_volume_as_any_other_does()
    {
        var volume = Prepared();
        _disk.Fail(DiskCall.Sync, "/layers", Posix.EIO);
        volume.CreatePoint(null, PointConsistency.Crash, null);
        Settle();
        volume.Fault.ShouldNotBeNull().ShouldContain("flushed");
        _disk.Fail(DiskCall.Sync, "", 0);
    }

    /// <summary>A rebuild takes for newer than its record only layers with higher numbers: records and layers made while a spare was ready must not raise the number above it.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_head_that_only_a_damaged_record_names_is_found_by_a_rebuild(bool compacts)
    {
        var volume = Prepared();
        var points = new List<PointInfo>();
        for (var i = 0; i < 4; i++)
        {
            StoreFixture.Write(volume, i * 4096, StoreFixture.Pattern(8 * 4096, i));
            points.Add(volume.CreatePoint($"p{i}", PointConsistency.Crash, null));
        }

        Settle();
        if (compacts)
        {
            volume.DeletePoint(points[2].Id); // Its layer goes into the next, which takes a number.
            Settle();
            volume.State.Layers.ShouldContain(layer => layer.Kind == LayerKind.Compacted);
        }

        volume.HoldPoint(points[3].Id, "a record while there is a spare");
        Settle();
        StoreFixture.Write(volume, 0, StoreFixture.Pattern(4096, 98));
        volume.CreatePoint("last", PointConsistency.Crash, null);
        StoreFixture.Write(volume, 4096, StoreFixture.Pattern(4096, 99), fua: true);
        var live = StoreFixture.ReadAll(volume);
        CrashWithoutTheNewestRecord();
        _store.Set.Rebuild(_store.Set.Damaged.ShouldHaveSingleItem().Name, null, isNoClone: false, apply: true, (_, _) => { }, CancellationToken.None);
        StoreFixture.ReadAll(_store.Set.Get("v")).ShouldBe(live);
    }

    private void CrashWithoutTheNewestRecord() => _store.Crash(copy =>
    {
        var path = Directory.GetFiles(copy, "manifest", SearchOption.AllDirectories).ShouldHaveSingleItem();
        var content = File.ReadAllBytes(path);
        var start = content.AsSpan().LastIndexOf("DRR1"u8);
        ManifestRecord.TryRead(content.AsSpan(start), out _, out var length).ShouldNotBeNull();
        var newest = content.AsSpan(start, length).ToArray();
        content[start + length - 20] ^= 4;
        File.WriteAllBytes(path, content);
        foreach (var layer in Directory.GetFiles(Path.Combine(Path.GetDirectoryName(path)!, "layers")))
        {
            var bytes = File.ReadAllBytes(layer);
            if (bytes.AsSpan().IndexOf(newest) is var at and >= 0)
            {
                bytes[at] = 0; // The copy behind the index.
                File.WriteAllBytes(layer, bytes);
            }
        }
    });

    private Volume Prepared(string name = "v")
    {
        var volume = _store.Set.Create(name, SizeBytes);
        Settle();
        LayerFiles(volume).Count.ShouldBe(2, "the head and the spare");
        return volume;
    }

    private static List<long> LayerFiles(Volume volume) =>
        [.. Directory.GetFiles(Path.Combine(volume.DirectoryPath, "layers")).Select(path => long.Parse(Path.GetFileNameWithoutExtension(path), null))];

    private void Settle() => _store.Set.Maintenance.DrainAsync().Wait();
}
