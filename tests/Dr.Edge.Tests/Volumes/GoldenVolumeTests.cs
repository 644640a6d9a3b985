using System.IO.Compression;
using Dr.Contracts.Mqtt;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Disk;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dr.Edge.Tests.Volumes;

/// <summary>A data directory that an earlier build wrote must open for ever. <c>DR_WRITE_GOLDEN=1</c> writes a new one where none is; an old one is never written over.</summary>
public sealed class GoldenVolumeTests
{
    private const int SizeBytes = 64 * 4096;
    private static readonly string Archive = Path.Combine(FormatDocumentTests.RepositoryRoot(), "tests", "golden", "volume-v1.zip");

    [Fact]
    public async Task A_volume_of_format_version_1_reads_as_it_was_written()
    {
        if (Environment.GetEnvironmentVariable("DR_WRITE_GOLDEN") == "1" && !File.Exists(Archive))
        {
            await WriteAsync();
        }

        var directory = Path.Combine(Path.GetTempPath(), $"dr-golden-{Guid.NewGuid():N}");
        try
        {
            await ZipFile.ExtractToDirectoryAsync(Archive, directory);
            using var set = VolumeSet.Open(directory, TimeProvider.System, StoreFaults.None, NullLogger.Instance, TimeSpan.FromHours(1));
            set.Damaged.ShouldBeEmpty();
            var volume = set.Get("v");
            volume.Fault.ShouldBeNull();
            volume.Points.Select(point => point.Label).ShouldBe(["one", "two"]);
            StoreFixture.ReadAll(volume).ShouldBe(Content(3));
            foreach (var (point, step) in volume.Points.Zip([1, 2]))
            {
                using var view = volume.OpenView(point.Id);
                StoreFixture.ReadAll(view).ShouldBe(Content(step), point.Label);
            }

            var clone = Content(1);
            StoreFixture.Pattern(4096, 9).CopyTo(clone, 8192);
            StoreFixture.ReadAll(set.Get("c")).ShouldBe(clone);
            new Verifier(volume, (_, _) => { }, CancellationToken.None).Run(null, null).Bad.ShouldBeEmpty();
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static byte[] Content(int step)
    {
        var content = new byte[SizeBytes];
        StoreFixture.Pattern(30_000, 1).CopyTo(content, 100);
        if (step >= 2)
        {
            StoreFixture.Pattern(4096, 2).CopyTo(content, 4096);
            content.AsSpan(16_384, 8192).Clear();
        }

        if (step >= 3)
        {
            StoreFixture.Pattern(512, 3).CopyTo(content, 100_000);
        }

        return content;
    }

    private static async Task WriteAsync()
    {
        // Zero fine window: the first layer goes into the base, so that base.img and base.crc are in it too.
        using var store = new StoreFixture();
        var volume = store.Set.Create("v", SizeBytes);
        StoreFixture.Write(volume, 100, StoreFixture.Pattern(30_000, 1));
        var one = volume.CreatePoint("one", PointConsistency.Crash, null);
        StoreFixture.Write(volume, 4096, StoreFixture.Pattern(4096, 2));
        StoreFixture.Zero(volume, 16_384, 8192);
        volume.CreatePoint("two", PointConsistency.Application, "golden");
        StoreFixture.Write(store.Set.CreateClone(volume, one.Id, "c"), 8192, StoreFixture.Pattern(4096, 9), fua: true);
        StoreFixture.Write(volume, 100_000, StoreFixture.Pattern(512, 3), fua: true);
        await store.Set.Maintenance.DrainAsync();
        store.Reopen();
        var copy = Path.Combine(Path.GetTempPath(), $"dr-golden-{Guid.NewGuid():N}");
        store.CopyTo(copy);
        Directory.CreateDirectory(Path.GetDirectoryName(Archive)!);
        await ZipFile.CreateFromDirectoryAsync(copy, Archive);
        Directory.Delete(copy, recursive: true);
    }
}
