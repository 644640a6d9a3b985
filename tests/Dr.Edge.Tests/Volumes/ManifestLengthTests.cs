using Dr.Contracts.Mqtt;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Format;

namespace Dr.Edge.Tests.Volumes;

public sealed class ManifestLengthTests
{
    [Fact]
    public async Task A_long_manifest_is_rewritten_by_the_background_and_no_point_has_to_do_it()
    {
        using var store = new StoreFixture(fineWindow: TimeSpan.FromHours(1));
        var volume = store.Set.Create("v", 64 * 4096);
        var manifest = Path.Combine(volume.DirectoryPath, "manifest");
        var rewritten = 0;
        for (var i = 0; i < StoreLimits.MaxPoints; i++)
        {
            StoreFixture.Write(volume, i % 64 * 4096, StoreFixture.Pattern(4096, i));
            var before = FirstRecord(manifest);
            volume.CreatePoint($"{i}", PointConsistency.Crash, null);
            FirstRecord(manifest).ShouldBe(before, $"point {i} waited for the manifest to be rewritten");
            await store.Set.Maintenance.DrainAsync();
            rewritten += FirstRecord(manifest) > before ? 1 : 0;
        }

        rewritten.ShouldBeGreaterThan(0);
        rewritten.ShouldBeLessThan(StoreLimits.MaxPoints / 4, "as rare with many points as with few");
        var points = volume.Points.ToList();
        store.Reopen();
        store.Set.Get("v").Points.ShouldBe(points);
    }

    private static long FirstRecord(string manifest)
    {
        ManifestRecord.TryReadHeader(File.ReadAllBytes(manifest), out var number, out _).ShouldBeTrue();
        return number;
    }
}
