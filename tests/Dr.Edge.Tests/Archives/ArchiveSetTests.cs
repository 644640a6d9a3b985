using Dr.Contracts.Errors;
using Dr.Contracts.Ids;
using Dr.Edge.Archives;
using Dr.Edge.Archives.Format;
using Dr.Edge.Archives.Reading;
using Dr.Edge.Archives.Restoring;
using Dr.Edge.Archives.Writing;
using Dr.Edge.Tests.Volumes;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Disk;

namespace Dr.Edge.Tests.Archives;

/// <summary>Archives of a real store on a real disk: cut off and gone on with, damaged and replaced, never mixed up.</summary>
public sealed class ArchiveSetTests : IDisposable
{
    private const int MiB = 1 << 20;
    private const int SizeBytes = 24 * MiB;
    private static readonly ArchiveSecret Key = new(ArchiveKeyKind.KeyFile, new byte[32]);
    private readonly StoreFixture _store = new(faults: new FullMedium());
    private readonly string _medium = Directory.CreateTempSubdirectory("dr-archive-").FullName;

    private FullMedium Faults => (FullMedium)_store.Faults;

    public void Dispose()
    {
        _store.Dispose();
        Directory.Delete(_medium, recursive: true);
    }

    [Theory]
    [InlineData(false, false, false)]
    [InlineData(false, true, true)]
    [InlineData(true, true, true)]
    public void An_archive_is_the_point_and_holes_stay_holes(bool asFile, bool encrypted, bool compressed)
    {
        var (volume, point) = Filled();
        var result = Create(volume, point, asFile, encrypted, compressed);
        result.Parts.ShouldBeGreaterThan(2);
        result.ContentBytes.ShouldBeLessThan(16 * MiB);
        StoreFixture.Write(volume, 0, StoreFixture.Pattern(MiB, 99));

        Verify(asFile, encrypted).Findings.ShouldBeEmpty();
        ToImage(asFile, encrypted).AsSpan().SequenceEqual(Content(volume, point)).ShouldBeTrue();
        var restored = ToVolume("w", asFile, encrypted);
        StoreFixture.ReadAll(restored).AsSpan().SequenceEqual(Content(volume, point)).ShouldBeTrue();
        restored.AllocatedBytes.ShouldBeLessThan(18 * MiB);
        restored.Points.ShouldHaveSingleItem().Label.ShouldBe("archive a");
        _store.Reopen();
        _store.Set.Get("w").IsCoveredByPoint.ShouldBeTrue();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void One_that_was_cut_off_goes_on_behind_its_last_whole_part(bool asFile)
    {
        var (volume, point) = Filled();
        Stop(volume, point, asFile, after: 9 * MiB);
        Directory.GetFiles(_medium).ShouldNotContain(path => path.EndsWith(ArchiveNames.PartialExtension, StringComparison.Ordinal) && !asFile);
        Should.Throw<DrException>(() => Create(volume, point, asFile, encrypted: true, compressed: true)).Message.ShouldContain("other options");
        var result = Create(volume, point, asFile);
        result.ResumedAtBytes.ShouldBeInRange(4 * MiB, 9 * MiB);
        Verify(asFile).Findings.ShouldBeEmpty();
        ToImage(asFile).AsSpan().SequenceEqual(Content(volume, point)).ShouldBeTrue();
        Should.Throw<DrException>(() => Create(volume, point, asFile)).Message.ShouldContain("already");
    }

    [Fact]
    public void One_that_was_cut_off_never_goes_on_with_another_point_or_key()
    {
        var (volume, point) = Filled();
        Stop(volume, point, asFile: false, after: 9 * MiB, encrypted: true);
        StoreFixture.Write(volume, 0, StoreFixture.Pattern(4096, 99));
        var other = volume.CreatePoint(null, default, null);
        Should.Throw<DrException>(() => Create(volume, other.Id, asFile: false, encrypted: true)).Message.ShouldContain("another position");
        Should.Throw<DrException>(() => Create(volume, point, asFile: false)).Message.ShouldContain("encrypted with a key file");
        Create(volume, point, asFile: false, encrypted: true).ResumedAtBytes.ShouldBeGreaterThan(0);
        ToImage(asFile: false, encrypted: true).AsSpan().SequenceEqual(Content(volume, point)).ShouldBeTrue();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_full_medium_is_told_with_what_is_kept_and_the_same_command_goes_on(bool asFile)
    {
        var (volume, point) = Filled();
        Faults.FullAfter = (_medium, 14);
        var error = Should.Throw<DrException>(() => Create(volume, point, asFile));
        error.Message.ShouldContain("is full after");
        error.Message.ShouldNotContain("after 0");
        Faults.FullAfter = null;
        Create(volume, point, asFile).ResumedAtBytes.ShouldBeGreaterThan(0);
        ToImage(asFile).AsSpan().SequenceEqual(Content(volume, point)).ShouldBeTrue();
    }

    [Fact]
    public void Damage_is_never_restored_and_the_restore_goes_on_when_the_part_is_replaced()
    {
        var (volume, point) = Filled();
        Create(volume, point, asFile: false);
        var part = Path.Combine(_medium, ArchiveNames.Part("a", 3));
        var good = File.ReadAllBytes(part);
        var bad = (byte[])good.Clone();
        bad[bad.Length / 2] ^= 1;
        File.WriteAllBytes(part, bad);

        var lost = Verify(asFile: false).Findings.ShouldHaveSingleItem().Lost.ShouldNotBeNull();
        var error = Should.Throw<DrException>(() => ToVolume("w", asFile: false));
        error.Message.ShouldContain(part);
        error.Message.ShouldContain($"bytes {lost.Offset} to {lost.Offset + lost.Length - 1}");
        _store.Set.Find("w").ShouldBeNull();
        Should.Throw<DrException>(() => ToImage(asFile: false));
        File.Exists(Path.Combine(_medium, "image.raw")).ShouldBeFalse();

        File.WriteAllBytes(part, good);
        var resumed = 0L;
        var restored = ToVolume("w", asFile: false, resumedAt: at => resumed = at);
        resumed.ShouldBeGreaterThan(0);
        resumed.ShouldBeLessThanOrEqualTo(lost.Offset);
        StoreFixture.ReadAll(restored).AsSpan().SequenceEqual(Content(volume, point)).ShouldBeTrue();
        ToImage(asFile: false).AsSpan().SequenceEqual(Content(volume, point)).ShouldBeTrue();
    }

    [Fact]
    public void What_can_be_read_is_saved_when_it_is_asked_for_and_never_taken_for_the_whole()
    {
        var (volume, point) = Filled();
        Create(volume, point, asFile: false);
        var part = Path.Combine(_medium, ArchiveNames.Part("a", 2));
        var good = File.ReadAllBytes(part);
        File.Delete(part);
        Should.Throw<DrException>(() => ToVolume("w", asFile: false)).Message.ShouldContain("part 2 is missing");

        // Stopped in the middle: what it left out must not count as done for the attempt with the part back in its place.
        using (var stop = new CancellationTokenSource())
        {
            using var set = ArchiveLocator.FindOne(_medium, null);
            using var target = new VolumeTarget(_store.Set, set, "w");
            Should.Throw<OperationCanceledException>(() => ArchiveRestore.Run(set, null, target, "w", salvage: true, (done, total) => Cancel(stop, done, total * 3 / 4), stop.Token, MiB));
        }

        File.WriteAllBytes(part, good);
        StoreFixture.ReadAll(ToVolume("w", asFile: false)).AsSpan().SequenceEqual(Content(volume, point)).ShouldBeTrue();

        File.Delete(part);
        var image = ToImage(asFile: false, salvage: true);
        var content = Content(volume, point);
        var lost = Verify(asFile: false).Findings.Select(finding => finding.Lost).OfType<LostRange>().ShouldHaveSingleItem();
        image.AsSpan(0, (int)lost.Offset).SequenceEqual(content.AsSpan(0, (int)lost.Offset)).ShouldBeTrue();
        image.AsSpan((int)lost.Offset, (int)lost.Length).IndexOfAnyExcept((byte)0).ShouldBe(-1);
        image.AsSpan((int)(lost.Offset + lost.Length)).SequenceEqual(content.AsSpan((int)(lost.Offset + lost.Length))).ShouldBeTrue();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_restore_that_was_cut_off_goes_on_also_after_a_crash(bool asFile)
    {
        var (volume, point) = Filled();
        Create(volume, point, asFile);
        using (var stop = new CancellationTokenSource())
        {
            using var set = ArchiveLocator.FindOne(Place(asFile), null);
            using var target = new VolumeTarget(_store.Set, set, "w");
            Should.Throw<OperationCanceledException>(() => ArchiveRestore.Run(set, null, target, "w", salvage: false, (done, total) => Cancel(stop, done, total / 2), stop.Token, MiB));
        }

        _store.Set.Find("w").ShouldBeNull();
        _store.Set.Get("w.restoring").ShouldNotBeNull();
        var content = Content(volume, point);
        _store.Crash();
        var resumed = 0L;
        StoreFixture.ReadAll(ToVolume("w", asFile, resumedAt: at => resumed = at)).AsSpan().SequenceEqual(content).ShouldBeTrue();
        resumed.ShouldBeGreaterThan(4 * MiB);
        _store.Set.Find("w.restoring").ShouldBeNull();
    }

    [Fact]
    public void A_volume_that_was_begun_and_then_written_to_is_not_gone_on_with()
    {
        var (volume, point) = Filled();
        Create(volume, point, asFile: false);
        using (var stop = new CancellationTokenSource())
        {
            using var set = ArchiveLocator.FindOne(_medium, null);
            using var target = new VolumeTarget(_store.Set, set, "w");
            Should.Throw<OperationCanceledException>(() => ArchiveRestore.Run(set, null, target, "w", salvage: false, (done, total) => Cancel(stop, done, total / 2), stop.Token, MiB));
        }

        StoreFixture.Write(_store.Set.Get("w.restoring"), 0, StoreFixture.Pattern(512, 1));
        Should.Throw<DrException>(() => ToVolume("w", asFile: false)).Hint.ShouldNotBeNull().ShouldContain("volume delete w.restoring");
    }

    [Fact]
    public void Several_archives_in_one_directory_are_listed_and_told_apart()
    {
        var (volume, point) = Filled();
        Create(volume, point, asFile: false);
        Run(volume, point, _medium, "b", null, compress: true);
        File.Delete(Path.Combine(_medium, ArchiveNames.Part("b", 2)));
        var sets = ArchiveLocator.Find(_medium);
        sets.Select(set => set.Name).ShouldBe(["a", "b"]);
        sets[0].Gaps().ShouldBeEmpty();
        sets[1].Gaps().ShouldBe(["part 2 is missing"]);
        foreach (var set in sets)
        {
            set.Dispose();
        }

        Should.Throw<DrException>(() => ArchiveLocator.FindOne(_medium, null)).Message.ShouldContain("a, b");
        Should.Throw<DrException>(() => ArchiveLocator.FindOne(_medium, "c")).Hint.ShouldNotBeNull().ShouldContain("a, b");
    }

    [Fact]
    public void A_damaged_or_missing_catalogue_is_told_and_costs_nothing()
    {
        var (volume, point) = Filled();
        Create(volume, point, asFile: false);
        var path = Path.Combine(_medium, ArchiveNames.Catalogue("a"));
        var bytes = File.ReadAllBytes(path);
        bytes[40] ^= 1;
        File.WriteAllBytes(path, bytes);
        Verify(asFile: false).Findings.ShouldHaveSingleItem().Lost.ShouldBeNull();
        File.Delete(path);
        Verify(asFile: false).Findings.ShouldHaveSingleItem().Problem.ShouldContain("catalogue is missing");
        ToImage(asFile: false).AsSpan().SequenceEqual(Content(volume, point)).ShouldBeTrue();
    }

    [Fact]
    public void An_encrypted_archive_is_checked_by_checksums_without_its_key()
    {
        var (volume, point) = Filled();
        Create(volume, point, asFile: true, encrypted: true);
        using (var set = ArchiveLocator.FindOne(Place(asFile: true), null))
        {
            var result = ArchiveVerify.Run(set, null, (_, _) => { }, CancellationToken.None);
            (result.Ok, result.Authenticated).ShouldBe((true, false));
        }

        var bytes = File.ReadAllBytes(Place(asFile: true));
        bytes[bytes.Length / 3] ^= 1;
        File.WriteAllBytes(Place(asFile: true), bytes);
        using var damaged = ArchiveLocator.FindOne(Place(asFile: true), null);
        ArchiveVerify.Run(damaged, null, (_, _) => { }, CancellationToken.None).LostBytes.ShouldBeGreaterThan(0);
    }

    [Fact]
    public void An_archive_never_goes_into_the_data_directory_or_over_a_file()
    {
        var (volume, point) = Filled();
        Should.Throw<DrException>(() => Run(volume, point, _store.Directory, "a", null, compress: false)).Message.ShouldContain("data directory");
        var file = Path.Combine(_medium, "taken");
        File.WriteAllText(file, "x");
        Should.Throw<DrException>(() => Run(volume, point, file, "a", null, compress: false)).Message.ShouldContain("there already");
        File.ReadAllText(file).ShouldBe("x");
        Should.Throw<DrException>(() => Run(volume, point, Path.Combine(_medium, "no", "where"), "a", null, compress: false)).Message.ShouldContain("no directory");
    }

    [Fact]
    public void An_empty_volume_makes_an_archive_of_holes()
    {
        var volume = _store.Set.Create("v", SizeBytes);
        var point = volume.CreatePoint(null, default, null);
        var result = Create(volume, point.Id, asFile: false);
        (result.Parts, result.ContentBytes).ShouldBe((1, 0));
        result.StoredBytes.ShouldBeLessThan(16384);
        StoreFixture.ReadAll(ToVolume("w", asFile: false)).AsSpan().IndexOfAnyExcept((byte)0).ShouldBe(-1);
    }

    private string Place(bool asFile) => asFile ? Path.Combine(_medium, "tape.dra") : _medium;

    private (Volume Volume, PointId Point) Filled()
    {
        var volume = _store.Set.Create("v", SizeBytes);
        for (var i = 0; i < 16; i++)
        {
            StoreFixture.Write(volume, i * MiB, StoreFixture.Pattern(MiB - (i * 4096), i));
        }

        StoreFixture.Write(volume, 20 * MiB, new byte[MiB]);
        StoreFixture.Write(volume, (22 * MiB) + 700, StoreFixture.Pattern(5000, 9));
        return (volume, volume.CreatePoint("here", default, null).Id);
    }

    private ArchiveResult Create(Volume volume, PointId point, bool asFile, bool encrypted = false, bool compressed = false) =>
        Run(volume, point, Place(asFile), "a", encrypted ? Key : null, compressed);

    private static ArchiveResult Run(Volume volume, PointId point, string to, string name, ArchiveSecret? secret, bool compress, Action<long, long>? progress = null, CancellationToken cancellationToken = default)
    {
        using var view = volume.OpenView(point);
        return ArchiveCreation.Run(
            view, volume.GetPoint(point), new ArchiveRequest("", to, name, 4 * MiB, compress, secret?.Kind ?? ArchiveKeyKind.None, secret?.Bytes), DateTimeOffset.UnixEpoch, progress ?? ((_, _) => { }), cancellationToken);
    }

    private void Stop(Volume volume, PointId point, bool asFile, long after, bool encrypted = false)
    {
        using var stop = new CancellationTokenSource();
        Should.Throw<OperationCanceledException>(() => Run(volume, point, Place(asFile), "a", encrypted ? Key : null, compress: false, (done, _) => Cancel(stop, done, after), stop.Token));
    }

    private static void Cancel(CancellationTokenSource stop, long done, long after)
    {
        if (done >= after)
        {
            stop.Cancel();
        }
    }

    private ArchiveVerifyResult Verify(bool asFile, bool encrypted = false)
    {
        using var set = ArchiveLocator.FindOne(Place(asFile), null);
        return ArchiveVerify.Run(set, encrypted ? Key : null, (_, _) => { }, CancellationToken.None);
    }

    private byte[] ToImage(bool asFile, bool encrypted = false, bool salvage = false)
    {
        var path = Path.Combine(_medium, "image.raw");
        File.Delete(path);
        using var set = ArchiveLocator.FindOne(Place(asFile), null);
        using var target = new ImageTarget(set, path, StoreFaults.None);
        ArchiveRestore.Run(set, encrypted ? Key : null, target, path, salvage, (_, _) => { }, CancellationToken.None, MiB);
        return File.ReadAllBytes(path);
    }

    private Volume ToVolume(string name, bool asFile, bool encrypted = false, Action<long>? resumedAt = null)
    {
        using var set = ArchiveLocator.FindOne(Place(asFile), null);
        using var target = new VolumeTarget(_store.Set, set, name);
        resumedAt?.Invoke(target.DoneBytes);
        ArchiveRestore.Run(set, encrypted ? Key : null, target, name, salvage: false, (_, _) => { }, CancellationToken.None, MiB);
        return _store.Set.Get(name);
    }

    private static byte[] Content(Volume volume, PointId point)
    {
        using var view = volume.OpenView(point);
        return StoreFixture.ReadAll(view);
    }

    /// <summary>A medium that is full after so many writes to it.</summary>
    private sealed class FullMedium : StoreFaults
    {
        private int _calls;

        public (string Folder, int Writes)? FullAfter
        {
            get;
            set
            {
                field = value;
                _calls = 0;
            }
        }

        public override int ErrorFor(DiskCall call, string path) =>
            FullAfter is { } full && call == DiskCall.Write && path.StartsWith(full.Folder, StringComparison.Ordinal) && Interlocked.Increment(ref _calls) > full.Writes ? Posix.ENOSPC : 0;
    }
}
