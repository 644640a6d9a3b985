using Dr.Contracts.Errors;
using Dr.Contracts.Mqtt;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Format;

namespace Dr.Edge.Tests.Volumes;

/// <summary>Bits that flip on disk are found when they are read and by verify, and are never served.</summary>
public sealed class DamageTests : IDisposable
{
    private const int SizeBytes = 64 * 4096;
    private readonly StoreFixture _store = new();
    private readonly Volume _volume;

    public DamageTests() => _volume = _store.Set.Create("v", SizeBytes);

    private string LayerPath => Path.Combine(_volume.DirectoryPath, "layers", "1.log");

    public void Dispose() => _store.Dispose();

    [Fact]
    public void A_flipped_bit_in_data_is_an_error_to_read_and_found_by_verify()
    {
        StoreFixture.Write(_volume, 0, StoreFixture.Pattern(8192, 1));
        Flip(LayerPath, LayerHeader.SizeBytes + BatchHeader.SizeBytes + 16 + 8 + 4096 + 17);

        _volume.Read(0, new byte[4096]);
        Should.Throw<BlockDeviceException>(() => _volume.Read(4096, new byte[4096])).Error.ShouldBe(BlockError.IO);
        Should.Throw<BlockDeviceException>(() => _volume.Read(0, new byte[8192]));
        var result = Verify();
        result.Bad.ShouldContain(bad => bad.Where == "v" && bad.Offset == 4096 && bad.Length == 4096);
        result.Bad.ShouldContain(bad => bad.Where == LayerPath);
    }

    [Fact]
    public void A_torn_tail_is_cut_and_writing_goes_on()
    {
        StoreFixture.Write(_volume, 0, StoreFixture.Pattern(4096, 1), fua: true);
        StoreFixture.Write(_volume, 0, StoreFixture.Pattern(4096, 2));
        _store.Crash(directory => Cut(directory, 100));
        var volume = _store.Set.Get("v");
        volume.Fault.ShouldBeNull();
        StoreFixture.ReadAll(volume).AsSpan(0, 4096).SequenceEqual(StoreFixture.Pattern(4096, 1)).ShouldBeTrue();
        StoreFixture.Write(volume, 0, StoreFixture.Pattern(4096, 3), fua: true);
        _store.Reopen();
        StoreFixture.ReadAll(_store.Set.Get("v")).AsSpan(0, 4096).SequenceEqual(StoreFixture.Pattern(4096, 3)).ShouldBeTrue();
    }

    [Fact]
    public void A_tail_that_was_flushed_and_is_gone_is_damage_and_not_torn()
    {
        StoreFixture.Write(_volume, 0, StoreFixture.Pattern(4096, 1), fua: true);
        _store.Crash(directory => Cut(directory, 100));
        ShouldHaveStopped();
    }

    [Theory]
    [InlineData(50)]
    [InlineData(BatchHeader.SizeBytes + 3)]
    public void A_bad_header_or_descriptor_in_the_middle_stops_the_volume_and_changes_nothing(int offset)
    {
        StoreFixture.Write(_volume, 0, StoreFixture.Pattern(4096, 1), fua: true);
        StoreFixture.Write(_volume, 4096, StoreFixture.Pattern(4096, 2), fua: true);
        StoreFixture.Write(_volume, 8192, StoreFixture.Pattern(4096, 2), fua: true);
        byte[] before = [];
        _store.Crash(directory =>
        {
            var path = Head(directory);
            Flip(path, LayerHeader.SizeBytes + offset);
            before = File.ReadAllBytes(path);
        });
        ShouldHaveStopped();
        File.ReadAllBytes(Head(_store.Directory)).ShouldBe(before);
    }

    [Fact]
    public void Without_the_flush_mark_a_later_batch_still_proves_that_an_earlier_one_was_durable()
    {
        StoreFixture.Write(_volume, 0, StoreFixture.Pattern(4096, 1), fua: true);
        StoreFixture.Write(_volume, 4096, StoreFixture.Pattern(4096, 2));
        _store.Crash(directory =>
        {
            Flip(Head(directory), LayerHeader.SizeBytes + 50);
            Flip(Path.Combine(Path.GetDirectoryName(Path.GetDirectoryName(Head(directory)))!, "superblock"), FlushMark.FileOffset + 5);
        });
        ShouldHaveStopped();
    }

    [Fact]
    public void Points_stay_readable_when_the_head_is_damaged()
    {
        StoreFixture.Write(_volume, 0, StoreFixture.Pattern(4096, 1));
        var point = _volume.CreatePoint(null, PointConsistency.Crash, null);
        StoreFixture.Write(_volume, 0, StoreFixture.Pattern(4096, 2), fua: true);
        _store.Crash(directory => Flip(Path.Combine(Path.GetDirectoryName(Head(directory))!, "2.log"), LayerHeader.SizeBytes + 50));
        ShouldHaveStopped();
        using var view = _store.Set.Get("v").OpenView(point.Id);
        StoreFixture.ReadAll(view).AsSpan(0, 4096).SequenceEqual(StoreFixture.Pattern(4096, 1)).ShouldBeTrue();
    }

    [Fact]
    public async Task A_damaged_index_is_made_again_and_reported()
    {
        using var store = new StoreFixture(fineWindow: TimeSpan.FromHours(1));
        var volume = store.Set.Create("v", SizeBytes);
        StoreFixture.Write(volume, 0, StoreFixture.Pattern(40_000, 1));
        var point = volume.CreatePoint(null, PointConsistency.Crash, null);
        await store.Set.Maintenance.DrainAsync();
        var expected = StoreFixture.ReadAll(volume);
        var layer = Path.Combine(volume.DirectoryPath, "layers", "1.log");
        Flip(layer, volume.State.Layers[0].LengthBytes + LayerIndex.HeaderBytes + 5);
        new Verifier(volume, (_, _) => { }, CancellationToken.None).Run(null, null).Bad.ShouldHaveSingleItem().Problem.ShouldContain("index");
        using (var view = volume.OpenView(point.Id))
        {
            StoreFixture.ReadAll(view).ShouldBe(expected);
        }

        store.Reopen();
        StoreFixture.ReadAll(store.Set.Get("v")).ShouldBe(expected);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Damaged_superblock_copies_are_survived_and_repaired(int copies)
    {
        _store.Reopen(() =>
        {
            for (var i = 0; i < copies; i++)
            {
                Flip(Path.Combine(_volume.DirectoryPath, "superblock"), (i * 2 * Superblock.CopyBytes) + 20);
            }
        });
        var volume = _store.Set.Get("v");
        volume.Id.ShouldBe(_volume.Id);
        new Verifier(volume, (_, _) => { }, CancellationToken.None).Run(null, null).Bad.ShouldBeEmpty();
    }

    [Fact]
    public void A_superblock_without_two_equal_copies_keeps_the_volume_shut()
    {
        _store.Reopen(() =>
        {
            for (var i = 0; i < 3; i++)
            {
                Flip(Path.Combine(_volume.DirectoryPath, "superblock"), (i * Superblock.CopyBytes) + 20);
            }
        });
        _store.Set.Damaged.ShouldHaveSingleItem();
        _store.Set.Find("v").ShouldBeNull();
    }

    [Fact]
    public void A_damaged_manifest_record_keeps_the_volume_shut_and_says_where()
    {
        _volume.CreatePoint("a", PointConsistency.Crash, null);
        _volume.CreatePoint("b", PointConsistency.Crash, null);
        var path = Path.Combine(_volume.DirectoryPath, "manifest");
        var newest = File.ReadAllBytes(path).AsSpan().LastIndexOf("DRR1"u8);
        foreach (var position in new long[] { newest + 200, 40 })
        {
            _store.Reopen(() => Flip(path, position));
            _store.Set.Damaged.ShouldHaveSingleItem().Reason.ShouldContain("manifest");
            _store.Reopen(() => Flip(path, position));
            _store.Set.Damaged.ShouldBeEmpty();
        }
    }

    [Fact]
    public async Task A_flipped_bit_in_the_base_is_found_whether_in_data_or_checksum()
    {
        await FillBaseAsync();
        var data = Path.Combine(_volume.DirectoryPath, "base.img");
        var checksums = Path.Combine(_volume.DirectoryPath, "base.crc");
        Flip(data, 4096 + 7);
        Should.Throw<BlockDeviceException>(() => _volume.Read(4096, new byte[4096])).Error.ShouldBe(BlockError.IO);
        Verify().Bad.ShouldContain(bad => bad.Where == data && bad.Offset == 4096);
        Flip(data, 4096 + 7);
        foreach (var offset in new[] { 8, 12 })
        {
            _store.Reopen(() => Flip(checksums, offset));
            var volume = _store.Set.Get("v");
            var read = Record.Exception(() => volume.Read(4096, new byte[4096]));
            read.ShouldBeOfType<BlockDeviceException>();
            _store.Reopen(() => Flip(checksums, offset));
        }

        _store.Set.Get("v").Read(4096, new byte[4096]);
    }

    [Fact]
    public async Task Entries_that_vanish_from_the_base_are_noticed_and_never_read_as_zeros()
    {
        await FillBaseAsync();
        _store.Reopen(() =>
        {
            using var file = File.OpenWrite(Path.Combine(_volume.DirectoryPath, "base.crc"));
            file.Position = 8;
            file.Write(new byte[8]);
        });
        var volume = _store.Set.Get("v");
        volume.Fault.ShouldNotBeNull();
        Should.Throw<BlockDeviceException>(() => volume.Read(4096, new byte[4096]));
    }

    private async Task FillBaseAsync()
    {
        StoreFixture.Write(_volume, 0, StoreFixture.Pattern(16_384, 1));
        _volume.CreatePoint(null, PointConsistency.Crash, null);
        await _store.Set.Maintenance.DrainAsync();
        File.Exists(LayerPath).ShouldBeFalse("the layer should have gone into the base");
    }

    private Edge.Cli.VerifyResult Verify() => new Verifier(_volume, (_, _) => { }, CancellationToken.None).Run(null, null);

    private void ShouldHaveStopped()
    {
        var volume = _store.Set.Get("v");
        volume.Fault.ShouldNotBeNull();
        volume.Fault.ShouldContain(".log");
        Should.Throw<BlockDeviceException>(() => volume.Read(0, new byte[4096])).Error.ShouldBe(BlockError.IO);
        Should.Throw<BlockDeviceException>(() => StoreFixture.Write(volume, 0, new byte[4096]));
    }

    /// <summary>The last layer that anything was written to: behind it may lie the file that is ready for the next.</summary>
    private static string Head(string directory) =>
        Directory.GetFiles(directory, "*.log", SearchOption.AllDirectories).Where(path => new FileInfo(path).Length > LayerHeader.SizeBytes).Order(StringComparer.Ordinal).Last();

    private static void Cut(string directory, int bytes)
    {
        using var file = File.OpenWrite(Head(directory));
        file.SetLength(file.Length - bytes);
    }

    private static void Flip(string path, long offset)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        file.Position = offset;
        var value = file.ReadByte();
        file.Position = offset;
        file.WriteByte((byte)(value ^ 4));
    }
}
