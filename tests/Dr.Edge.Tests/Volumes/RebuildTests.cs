using Dr.Contracts.Errors;
using Dr.Contracts.Mqtt;
using Dr.Edge.Cli;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Format;

namespace Dr.Edge.Tests.Volumes;

/// <summary>Superblock and manifest are lost; what the layers still say makes the volume again, and nothing is guessed.</summary>
public sealed class RebuildTests : IDisposable
{
    private const int SizeBytes = 64 * 4096;
    private readonly StoreFixture _store = new(fineWindow: TimeSpan.FromHours(1));
    private readonly List<(PointInfo Info, byte[] Content)> _points = [];
    private readonly string _directory;
    private readonly byte[] _live;

    public RebuildTests()
    {
        var volume = _store.Set.Create("v", SizeBytes);
        _directory = volume.DirectoryPath;
        for (var i = 0; i < 4; i++)
        {
            StoreFixture.Write(volume, i * 9000, StoreFixture.Pattern(20_000, i));
            StoreFixture.Zero(volume, i * 4096, 5000);
            _points.Add((volume.CreatePoint($"p{i}", PointConsistency.Crash, null), StoreFixture.ReadAll(volume)));
        }

        StoreFixture.Write(volume, 100_000, StoreFixture.Pattern(30_000, 9), fua: true);
        _live = StoreFixture.ReadAll(volume);
        _store.Set.Maintenance.DrainAsync().Wait();
    }

    private string Manifest => Path.Combine(_directory, "manifest");

    private string Superblock => Path.Combine(_directory, "superblock");

    public void Dispose() => _store.Dispose();

    [Fact]
    public void A_manifest_whose_newest_record_is_damaged_is_made_again_from_the_one_before()
    {
        _store.Reopen(() => Flip(Manifest, new FileInfo(Manifest).Length - 20));
        Damaged().Name.ShouldBe("v");
        Rebuild().Bad.ShouldBeEmpty();
        ShouldBeAsItWas(labels: true);
    }

    [Fact]
    public void A_lost_manifest_is_made_again_from_the_copies_of_it_in_the_layers_with_every_point()
    {
        _store.Reopen(() => File.Delete(Manifest));
        Damaged().Reason.ShouldContain("manifest");
        Rebuild().Bad.ShouldBeEmpty();
        ShouldBeAsItWas(labels: true);
    }

    [Fact]
    public void Without_any_record_the_layers_themselves_give_content_and_the_place_of_every_point()
    {
        _store.Reopen(() =>
        {
            File.Delete(Manifest);
            WipeRecordCopies();
        });
        var result = Rebuild("again");
        result.Unknown.ShouldContain(unknown => unknown.Contains("name"));
        result.Bad.ShouldBeEmpty();
        ShouldBeAsItWas(labels: false, "again");
    }

    [Fact]
    public void A_superblock_without_a_right_copy_is_made_again_and_the_volume_comes_back_demoted()
    {
        _store.Reopen(() => File.WriteAllBytes(Superblock, new byte[20_000]));
        Rebuild().Unknown.ShouldContain(unknown => unknown.Contains("promotion"));
        ShouldBeAsItWas(labels: true);
        var volume = _store.Set.Get("v");
        Should.Throw<BlockDeviceException>(() => StoreFixture.Write(volume, 0, new byte[4096])).Error.ShouldBe(BlockError.NotPermitted);
        volume.Promote(volume.Epoch.Next);
        StoreFixture.Write(volume, 0, StoreFixture.Pattern(4096, 77), fua: true);
        _store.Crash();
        StoreFixture.ReadAll(_store.Set.Get("v")).AsSpan(0, 4096).SequenceEqual(StoreFixture.Pattern(4096, 77)).ShouldBeTrue();
    }

    [Fact]
    public void Both_lost_is_made_again_from_the_layers()
    {
        _store.Reopen(() =>
        {
            File.Delete(Manifest);
            File.Delete(Superblock);
        });
        Rebuild().Bad.ShouldBeEmpty();
        ShouldBeAsItWas(labels: true);
    }

    [Fact]
    public void A_clone_that_lost_its_superblock_still_stands_on_its_parent_which_kept_what_it_needs()
    {
        var clone = _store.Set.CreateClone(_store.Set.Get("v"), _points[1].Info.Id, "c");
        StoreFixture.Write(clone, 0, StoreFixture.Pattern(4096, 5), fua: true);
        var content = StoreFixture.ReadAll(clone);
        _store.Reopen(() => File.WriteAllBytes(Path.Combine(clone.DirectoryPath, "superblock"), new byte[20_000]));
        Should.Throw<DrException>(() => _store.Set.Get("v").DeletePoint(_points[1].Info.Id)).Message.ShouldContain("clone");
        _store.Set.Rebuild("c", null, isNoClone: false, apply: true, (_, _) => { }, CancellationToken.None).Bad.ShouldBeEmpty();
        StoreFixture.ReadAll(_store.Set.Get("c")).ShouldBe(content);
        _store.Set.Get("c").Origin!.Volume.ShouldBe(_store.Set.Get("v").Id);
    }

    [Fact]
    public void Nobody_takes_a_volume_for_no_clone_when_nothing_says_so()
    {
        _store.Reopen(() =>
        {
            File.Delete(Manifest);
            File.Delete(Superblock);
            WipeRecordCopies();
        });
        var name = Damaged().Name;
        Should.Throw<DrException>(() => Plan(name)).Hint!.ShouldContain("--not-a-clone");
        _store.Set.Rebuild(name, "v", isNoClone: true, apply: true, (_, _) => { }, CancellationToken.None);

        // Nothing says how large it was either: it has room for all that was ever written.
        var content = StoreFixture.ReadAll(_store.Set.Get("v"));
        content.ShouldBe(_live[..content.Length]);
        _live.AsSpan(content.Length).IndexOfAnyExcept((byte)0).ShouldBe(-1);
    }

    [Fact]
    public void A_missing_layer_in_the_middle_is_not_bridged_and_nothing_is_changed()
    {
        _store.Reopen(() =>
        {
            Flip(Manifest, new FileInfo(Manifest).Length - 20);
            File.Delete(Path.Combine(_directory, "layers", "2.log"));
        });
        var before = Digest();
        Should.Throw<DrException>(() => _store.Set.Rebuild("v", null, isNoClone: false, apply: true, (_, _) => { }, CancellationToken.None)).Message.ShouldContain("Layer 2");
        Digest().ShouldBe(before);
    }

    [Fact]
    public void Without_apply_nothing_is_changed_and_other_volumes_go_on()
    {
        _store.Set.Create("w", SizeBytes);
        _store.Reopen(() => File.Delete(Manifest));
        var before = Digest();
        var result = Plan(Damaged().Name);
        result.Name.ShouldBe("v");
        result.KeptAside.ShouldBeNull();
        result.Findings.ShouldNotBeEmpty();
        Digest().ShouldBe(before);
        StoreFixture.Write(_store.Set.Get("w"), 0, new byte[4096], fua: true);
    }

    [Fact]
    public void A_rebuild_keeps_aside_what_was_there_and_leaves_a_right_volume_alone()
    {
        _store.Reopen(() => Flip(Manifest, 60));
        var damaged = File.ReadAllBytes(Manifest);
        var result = Rebuild();
        File.ReadAllBytes(Path.Combine(result.KeptAside!, "manifest")).ShouldBe(damaged);
        Should.Throw<DrException>(() => Plan("v")).Message.ShouldContain("is open");
    }

    [Fact]
    public void What_was_flushed_and_is_no_longer_there_is_said()
    {
        _store.Reopen(() =>
        {
            File.Delete(Manifest);
            var head = Path.Combine(_directory, "layers", "5.log");
            using var file = File.OpenWrite(head);
            file.SetLength(file.Length - 100);
        });
        Rebuild().Findings.ShouldContain(finding => finding.Contains("had been flushed and cannot be read here"));
        ShouldHavePoints(labels: true, "v");
    }

    [Fact]
    public void Offline_the_directory_is_rebuilt_too()
    {
        RebuildResult result = null!;
        _store.Reopen(() =>
        {
            File.Delete(Manifest);
            result = VolumeSet.RebuildOffline(_directory, null, isNoClone: false, apply: true, TimeProvider.System, (_, _) => { }, CancellationToken.None);
        });
        result.Name.ShouldBe("v");
        ShouldBeAsItWas(labels: true);
    }

    [Fact]
    public void Two_rebuilds_at_the_same_time_of_day_each_keep_what_they_replaced()
    {
        _store.Set.Dispose();
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
        string[] kept = [.. Enumerable.Range(0, 3).Select(_ =>
        {
            File.WriteAllBytes(Manifest, [1, 2, 3]);
            return VolumeSet.RebuildOffline(_directory, null, isNoClone: false, apply: true, time, (_, _) => { }, CancellationToken.None).KeptAside!;
        })];
        kept.Distinct().Count().ShouldBe(3);
        kept.ShouldAllBe(folder => File.ReadAllBytes(Path.Combine(folder, "manifest")).SequenceEqual(new byte[] { 1, 2, 3 }));
        _store.Reopen();
        ShouldBeAsItWas(labels: true);
    }

    [Theory]
    [InlineData("nowhere/at-all")]
    [InlineData("volumes/not-an-id")]
    [InlineData("elsewhere/01234567-89ab-cdef-0123-456789abcdef")]
    public void What_is_no_volumes_directory_is_refused_by_name_and_nothing_is_made(string path)
    {
        var outside = Path.Combine(_store.Directory, "outside");
        var directory = Path.Combine(outside, path);
        if (!path.StartsWith("nowhere", StringComparison.Ordinal))
        {
            Directory.CreateDirectory(directory);
        }

        Should.Throw<DrException>(() => VolumeSet.RebuildOffline(directory, null, isNoClone: false, apply: false, TimeProvider.System, (_, _) => { }, CancellationToken.None))
            .Message.ShouldContain("is no volume's directory");
        File.Exists(Path.Combine(outside, "lock")).ShouldBeFalse();
    }

    private DamagedVolume Damaged() => _store.Set.Damaged.ShouldHaveSingleItem();

    private RebuildResult Plan(string name) => _store.Set.Rebuild(name, null, isNoClone: false, apply: false, (_, _) => { }, CancellationToken.None);

    private RebuildResult Rebuild(string? newName = null)
    {
        var result = _store.Set.Rebuild(Damaged().Name, newName, isNoClone: false, apply: true, (_, _) => { }, CancellationToken.None);
        _store.Set.Damaged.ShouldBeEmpty();
        return result;
    }

    private void ShouldBeAsItWas(bool labels, string name = "v")
    {
        var volume = _store.Set.Get(name);
        volume.Fault.ShouldBeNull();
        volume.Role.ShouldBe(VolumeRole.Demoted);
        StoreFixture.ReadAll(volume).ShouldBe(_live);
        ShouldHavePoints(labels, name);
        _store.Reopen();
        StoreFixture.ReadAll(_store.Set.Get(name)).ShouldBe(_live);
        new Verifier(_store.Set.Get(name), (_, _) => { }, CancellationToken.None).Run(null, null).Bad.ShouldBeEmpty();
    }

    private void ShouldHavePoints(bool labels, string name)
    {
        var volume = _store.Set.Get(name);
        foreach (var (info, content) in _points)
        {
            var found = volume.Points.FirstOrDefault(point => point.Sequence == info.Sequence);
            found.ShouldNotBeNull($"point {info.Label} at write {info.Sequence}");
            if (labels)
            {
                found.Label.ShouldBeOneOf(info.Label, "rebuilt");
            }

            using var view = volume.OpenView(found.Id);
            StoreFixture.ReadAll(view).ShouldBe(content);
        }
    }

    private void WipeRecordCopies()
    {
        foreach (var path in Directory.GetFiles(Path.Combine(_directory, "layers")))
        {
            var content = File.ReadAllBytes(path);
            for (var at = content.AsSpan().IndexOf("DRR1"u8); at >= 0; at = content.AsSpan().IndexOf("DRR1"u8))
            {
                content[at] = 0;
            }

            File.WriteAllBytes(path, content);
        }
    }

    private string Digest() => string.Join('\n', Directory.GetFiles(_directory, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
        .Select(path => $"{path} {Crc32C.Compute(File.ReadAllBytes(path))} {File.GetLastWriteTimeUtc(path):O}"));

    private static void Flip(string path, long offset)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        file.Position = offset;
        var value = file.ReadByte();
        file.Position = offset;
        file.WriteByte((byte)(value ^ 4));
    }
}
