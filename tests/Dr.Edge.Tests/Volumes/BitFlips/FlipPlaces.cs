using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Format;
using Dr.Edge.Volumes.Mapping;

namespace Dr.Edge.Tests.Volumes.BitFlips;

/// <summary>What a flipped bit in something may lead to. Wrong content is never among it.</summary>
internal enum Outcome
{
    /// <summary>The volume is not opened, and says why.</summary>
    Damaged,

    /// <summary>The volume stops, or reading is an error, or verify finds it.</summary>
    Noticed,

    /// <summary>Everything reads right: it is made again from elsewhere, or was never relied on.</summary>
    Harmless,
}

/// <summary>One kind of thing on the disk, by the codec that writes it and the kind of layer it is in.</summary>
/// <param name="Find">From the volume's folder: the file, and the pieces of it that are of this kind.</param>
internal sealed record FlipPlace(Type Codec, LayerKind? Kind, string What, Outcome Outcome, Func<Volume, string, IEnumerable<(string Path, long Offset, long Length)>> Find)
{
    private const int Block = StoreLimits.BlockBytes;

    public static readonly IReadOnlyList<FlipPlace> All =
    [
        new(typeof(Superblock), null, "a copy", Outcome.Harmless, (_, folder) => Enumerable.Range(0, Superblock.CopyCount).Select(i => (Path.Combine(folder, "superblock"), (long)i * Superblock.CopyBytes, (long)Superblock.SizeBytes))),
        new(typeof(FlushMark), null, "the mark", Outcome.Harmless, (_, folder) => [(Path.Combine(folder, "superblock"), FlushMark.FileOffset, 32)]),
        new(typeof(ManifestRecord), null, "header of the newest record", Outcome.Damaged, (_, folder) => [Newest(folder, 0, ManifestRecord.HeaderBytes)]),
        new(typeof(ManifestRecord), null, "payload of the newest record", Outcome.Damaged, (_, folder) => [Newest(folder, ManifestRecord.HeaderBytes, int.MaxValue)]),
        .. Layers(LayerKind.Log),
        .. Layers(LayerKind.Compacted),
        .. Layers(LayerKind.Delta),
        new(typeof(BaseImage), null, "an entry of base.crc", Outcome.Noticed, (_, folder) => [(Path.Combine(folder, "base.crc"), 0, 4 * BaseImage.EntryBytes)]),
        new(typeof(BaseImage), null, "a block of base.img", Outcome.Noticed, (_, folder) => [(Path.Combine(folder, "base.img"), 0, 4 * Block)]),
    ];

    public override string ToString() => $"{Codec.Name}{(Kind is { } kind ? $" ({kind})" : "")}: {What}";

    private static IEnumerable<FlipPlace> Layers(LayerKind kind) =>
    [
        new(typeof(LayerHeader), kind, "header of the file", Outcome.Damaged, (volume, folder) => Of(volume, folder, kind).Select(layer => (layer.Path, 0L, (long)LayerHeader.SizeBytes))),
        new(typeof(BatchHeader), kind, "header of a batch", Outcome.Noticed, (volume, folder) => Batches(volume, folder, kind, scanner => (scanner.Offset, BatchHeader.SizeBytes))),
        new(typeof(BatchDescriptor), kind, "descriptors", Outcome.Noticed, (volume, folder) => Batches(volume, folder, kind, scanner => (scanner.Offset + BatchHeader.SizeBytes, scanner.Header.ExtentCount * 16))),
        new(typeof(BatchDescriptor), kind, "block checksums", Outcome.Noticed, (volume, folder) => Batches(volume, folder, kind, scanner => (scanner.DataFileOffset - (scanner.Header.DataBlockCount * BatchHeader.ChecksumBytes), scanner.Header.DataBlockCount * BatchHeader.ChecksumBytes))),
        new(typeof(BatchHeader), kind, "data of a batch", Outcome.Noticed, (volume, folder) => Batches(volume, folder, kind, scanner => (scanner.DataFileOffset, scanner.Header.DataBlockCount * Block))),
        new(typeof(LayerIndex), kind, "header of the index", Outcome.Harmless, (volume, folder) => Of(volume, folder, kind).Select(layer => (layer.Path, layer.Length, (long)LayerIndex.HeaderBytes))),
        new(typeof(LayerIndex), kind, "entries of the index", Outcome.Harmless, (volume, folder) => Of(volume, folder, kind).Select(layer => (layer.Path, layer.Length + LayerIndex.HeaderBytes, (long)LayerIndex.EntryBytes))),
        new(typeof(ManifestRecord), kind, "copy of the record behind the index", Outcome.Harmless, (volume, folder) => Of(volume, folder, kind).Select(layer => (layer.Path, new FileInfo(layer.Path).Length - 200, 200L))),
    ];

    private static IEnumerable<(string Path, long Length)> Of(Volume volume, string folder, LayerKind kind) =>
        volume.State.Layers.Where(layer => layer.Sealed && layer.Kind == kind).Select(layer => (Layer.PathOf(folder, layer.Number), layer.LengthBytes));

    private static IEnumerable<(string Path, long Offset, long Length)> Batches(Volume volume, string folder, LayerKind kind, Func<LayerScanner, (long Offset, int Length)> piece)
    {
        foreach (var (path, length) in Of(volume, folder, kind))
        {
            using var file = DurableFile.Open(path, FileMode.Open, StoreFaults.None);
            var scanner = new LayerScanner(file, volume.Id, volume.SizeBytes / Block, LayerHeader.SizeBytes, length);
            while (scanner.TryNext())
            {
                if (piece(scanner) is { Length: > 0 } found)
                {
                    yield return (path, found.Offset, found.Length);
                }
            }
        }
    }

    private static (string Path, long Offset, long Length) Newest(string folder, int from, int to)
    {
        var path = Path.Combine(folder, "manifest");
        var content = File.ReadAllBytes(path);
        var offset = content.AsSpan().LastIndexOf("DRR1"u8);
        ManifestRecord.TryRead(content.AsSpan(offset), out _, out var length).ShouldNotBeNull();
        return (path, offset + from, Math.Min(to, length) - from);
    }
}
