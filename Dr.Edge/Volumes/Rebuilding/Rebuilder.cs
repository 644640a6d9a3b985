using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Format;

namespace Dr.Edge.Volumes.Rebuilding;

/// <summary>
/// Puts a plan in place. Everything new is written and read back beside the old; superblock, manifest and the layers that do not become part of the volume are kept in a folder of their own; then two
/// renames make the change. A crash leaves the volume as damaged as it was, and the rebuild can be done again.
/// </summary>
internal sealed class Rebuilder(string directory, RebuildPlan plan, StoreFaults faults, TimeProvider time)
{
    private const string NewSuffix = ".rebuilt";

    /// <summary>Returns the folder with what was there before.</summary>
    public string Apply()
    {
        var aside = KeepAside();
        CreateHead();
        var manifest = Path.Combine(directory, Volume.ManifestName);
        var superblock = Path.Combine(directory, Volume.SuperblockName);
        WriteBeside(manifest + NewSuffix, superblock + NewSuffix);
        foreach (var path in plan.Unused)
        {
            DurableDirectory.Rename(path, Path.Combine(aside, Path.GetFileName(path)), faults);
        }

        DurableDirectory.Sync(aside, faults);
        DurableDirectory.Rename(manifest + NewSuffix, manifest, faults);
        DurableDirectory.Rename(superblock + NewSuffix, superblock, faults);
        DurableDirectory.Sync(Path.Combine(directory, "layers"), faults);
        DurableDirectory.Sync(directory, faults);
        return aside;
    }

    private string KeepAside()
    {
        var began = Path.Combine(directory, $"before-rebuild-{time.GetUtcNow().UtcDateTime:yyyyMMdd-HHmmss-fff}");
        var aside = began;
        for (var again = 2; Path.Exists(aside); again++)
        {
            aside = $"{began}-{again}"; // In the same millisecond, or the clock went back: what was kept before stays as it is.
        }

        DurableDirectory.Make(aside, faults);
        foreach (var name in (string[])[Volume.SuperblockName, Volume.ManifestName])
        {
            var path = Path.Combine(directory, name);
            if (File.Exists(path))
            {
                using var copy = DurableFile.Open(Path.Combine(aside, name), FileMode.CreateNew, faults);
                copy.Write(File.ReadAllBytes(path), 0);
                copy.SyncData();
            }
        }

        DurableDirectory.Sync(aside, faults);
        DurableDirectory.Sync(directory, faults);
        return aside;
    }

    private void CreateHead()
    {
        Volume.CreateLayer(directory, plan.State.Volume, plan.State.Layers[^1].Number, faults).Dispose();
        DurableDirectory.Sync(Path.Combine(directory, "layers"), faults);
    }

    private void WriteBeside(string manifest, string superblock)
    {
        DurableFile.Replace(manifest, ManifestRecord.Encode(plan.RecordNumber, plan.State), faults);
        DurableDirectory.Remove(superblock, faults);
        SuperblockFile.Create(superblock, plan.Superblock, faults).Dispose();
        using var written = ManifestFile.Open(manifest, plan.RecordNumber, faults);
        using var identity = SuperblockFile.Open(superblock, faults);
        Invariant.Require(written.Records == plan.RecordNumber && written.State.Layers.SequenceEqual(plan.State.Layers), "the manifest that was written is not the one that was meant");
        Invariant.Require(identity.Current == plan.Superblock, "the superblock that was written is not the one that was meant");
    }
}
