using Dr.Contracts.Errors;
using Dr.Contracts.Mqtt;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Format;

namespace Dr.Edge.Tests.Volumes;

/// <summary>What a disk does that writes to the wrong place, or not at all and says it did: found at read or at verify, never served.</summary>
public sealed class MisdirectedTests : IDisposable
{
    private const int Blocks = 24;
    private const int SizeBytes = Blocks * 4096;
    private const int BatchBytes = BatchHeader.SizeBytes + 16 + 4 + 4096;
    private readonly StoreFixture _store = new(fineWindow: TimeSpan.FromHours(1));
    private readonly Volume _volume;

    public MisdirectedTests() => _volume = _store.Set.Create("v", SizeBytes);

    private string Head => Path.Combine(_volume.DirectoryPath, "layers", "1.log");

    public void Dispose() => _store.Dispose();

    [Fact]
    public void A_block_written_at_another_blocks_place_is_not_served_there()
    {
        Fill(_volume, 1);
        Copy(Head, DataOf(3), Head, DataOf(5), 4096);
        Should.Throw<BlockDeviceException>(() => _volume.Read(5 * 4096, new byte[4096])).Error.ShouldBe(BlockError.IO);
        _volume.Read(3 * 4096, new byte[4096]);
        Verify(_volume).ShouldContain(bad => bad.Where == "v" && bad.Offset == 5 * 4096);
    }

    [Fact]
    public void A_batch_of_another_volume_at_a_batchs_place_stops_the_volume()
    {
        var other = _store.Set.Create("w", SizeBytes);
        Fill(_volume, 1);
        Fill(other, 2);
        var path = Path.Combine(other.DirectoryPath, "layers", "1.log");
        _store.Reopen(() => Copy(path, BatchOf(4), Head, BatchOf(4), BatchBytes));
        ShouldHaveStopped();
        _store.Set.Get("w").Fault.ShouldBeNull();
    }

    [Fact]
    public void A_batch_of_the_same_volume_at_another_batchs_place_stops_the_volume()
    {
        Fill(_volume, 1);
        _store.Reopen(() => Copy(Head, BatchOf(2), Head, BatchOf(6), BatchBytes));
        ShouldHaveStopped();
    }

    [Fact]
    public void An_old_version_of_the_manifest_is_noticed()
    {
        var manifest = Path.Combine(_volume.DirectoryPath, "manifest");
        var old = File.ReadAllBytes(manifest);
        Fill(_volume, 1);
        _volume.CreatePoint("a", PointConsistency.Crash, null);
        _store.Reopen(() => File.WriteAllBytes(manifest, old));
        _store.Set.Damaged.ShouldHaveSingleItem().Reason.ShouldContain("manifest");
    }

    [Fact]
    public void Two_old_copies_of_the_superblock_do_not_bring_an_old_epoch_back()
    {
        var superblock = Path.Combine(_volume.DirectoryPath, "superblock");
        var old = File.ReadAllBytes(superblock);
        _volume.SeeEpoch(_volume.Epoch.Next);
        var epoch = _volume.Epoch;
        _store.Reopen(() =>
        {
            using var file = File.OpenWrite(superblock);
            file.Write(old.AsSpan(0, 2 * Superblock.CopyBytes));
        });
        _store.Set.Get("v").Epoch.ShouldBe(epoch);
    }

    [Fact]
    public async Task An_old_layer_in_place_of_a_newer_one_is_noticed()
    {
        Fill(_volume, 1);
        _volume.CreatePoint("a", PointConsistency.Crash, null);
        Fill(_volume, 2);
        _volume.CreatePoint("b", PointConsistency.Crash, null);
        await _store.Set.Maintenance.DrainAsync();
        _store.Reopen(() => File.Copy(Head, Path.Combine(_volume.DirectoryPath, "layers", "2.log"), overwrite: true));
        _store.Set.Damaged.ShouldHaveSingleItem().Reason.ShouldContain("2.log");
    }

    /// <summary>One bit anywhere in any file: either it is found, or it changes nothing that anybody reads.</summary>
    [Fact]
    public async Task No_flipped_bit_anywhere_is_ever_served()
    {
        Fill(_volume, 1);
        var point = _volume.CreatePoint("a", PointConsistency.Crash, null);
        var then = StoreFixture.ReadAll(_volume);
        Fill(_volume, 3, step: 3);
        var now = StoreFixture.ReadAll(_volume);
        _volume.Flush();
        await _store.Set.Maintenance.DrainAsync();
        var random = new Random(7);
        var found = 0;
        for (var round = 0; round < 120; round++)
        {
            var undo = () => { };
            _store.Reopen(() =>
            {
                var files = Directory.GetFiles(_volume.DirectoryPath, "*", SearchOption.AllDirectories).Where(path => new FileInfo(path).Length > 0).Order(StringComparer.Ordinal).ToList();
                var path = files[random.Next(files.Count)];
                var before = files.ToDictionary(file => file, File.ReadAllBytes);
                var content = File.ReadAllBytes(path);
                content[random.Next(3) == 0 ? random.Next(Math.Min(content.Length, 400)) : random.Next(content.Length)] ^= (byte)(1 << random.Next(8));
                File.WriteAllBytes(path, content);
                undo = () =>
                {
                    foreach (var (file, bytes) in before)
                    {
                        File.WriteAllBytes(file, bytes);
                    }
                };
            });
            found += ReadsRightOrNotAtAll(now, point, then) ? 1 : 0;
            _store.Reopen(undo);
        }

        found.ShouldBeGreaterThan(40);
    }

    /// <summary>True when the damage was noticed.</summary>
    private bool ReadsRightOrNotAtAll(byte[] now, PointInfo point, byte[] then)
    {
        if (_store.Set.Find("v") is not { } volume)
        {
            return _store.Set.Damaged.Count == 1;
        }

        var noticed = volume.Fault is not null;
        noticed |= !BlocksAreRight(volume, now);
        try
        {
            using var view = volume.OpenView(point.Id);
            noticed |= !BlocksAreRight(view, then);
        }
        catch (Exception exception) when (exception is DrException or BlockDeviceException)
        {
            noticed = true;
        }

        return noticed | Verify(volume).Count > 0;
    }

    private static bool BlocksAreRight(IBlockDevice device, byte[] expected)
    {
        var right = true;
        var block = new byte[4096];
        for (var offset = 0; offset < expected.Length; offset += block.Length)
        {
            try
            {
                device.Read(offset, block);
                block.AsSpan().SequenceEqual(expected.AsSpan(offset, block.Length)).ShouldBeTrue($"a wrong block at {offset} was served");
            }
            catch (BlockDeviceException)
            {
                right = false;
            }
        }

        return right;
    }

    private static void Fill(Volume volume, int seed, int step = 1)
    {
        for (var block = 0; block < Blocks; block += step)
        {
            StoreFixture.Write(volume, block * 4096, StoreFixture.Pattern(4096, (seed * 1000) + block), fua: block == Blocks - step);
        }

        volume.Flush();
    }

    private static long BatchOf(int block) => LayerHeader.SizeBytes + ((long)block * BatchBytes);

    private static long DataOf(int block) => BatchOf(block) + BatchBytes - 4096;

    private static void Copy(string from, long fromOffset, string to, long toOffset, int length)
    {
        var data = new byte[length];
        using (var source = new FileStream(from, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete))
        {
            source.Position = fromOffset;
            source.ReadExactly(data);
        }

        using var target = new FileStream(to, FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
        target.Position = toOffset;
        target.Write(data);
    }

    private void ShouldHaveStopped()
    {
        var volume = _store.Set.Get("v");
        volume.Fault.ShouldNotBeNull();
        volume.Fault.ShouldContain("1.log");
        Should.Throw<BlockDeviceException>(() => StoreFixture.Write(volume, 0, new byte[4096]));
    }

    private static IReadOnlyList<Edge.Cli.BadRange> Verify(Volume volume) => new Verifier(volume, (_, _) => { }, CancellationToken.None).Run(null, null).Bad;
}
