using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Format;
using Dr.Edge.Volumes.Mapping;

namespace Dr.Edge.Volumes;

/// <content>Checking what lies on disk.</content>
internal sealed partial class Volume
{
    /// <summary>Reports file, offset, length and problem of everything that is not as it was written; what is wrong stays as it is.</summary>
    internal void VerifyFiles(Action<string, long, long, string> report, Action<long> advance, CancellationToken cancellationToken)
    {
        var bad = _superblock.CountBadCopies();
        if (bad > 0)
        {
            report(Path.Combine(DirectoryPath, SuperblockName), 0, (long)bad * Superblock.CopyBytes, $"{bad} of {Superblock.CopyCount} copies are damaged");
        }

        if (_manifest.FindDamage() is { } damage)
        {
            report(Path.Combine(DirectoryPath, ManifestName), damage.Offset, damage.Length, "a record does not match its checksum");
        }

        var (state, layers, hold) = Capture(null, "it is being verified");
        using (hold)
        {
            try
            {
                foreach (var layer in layers)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    VerifyLayer(layer, state, report, advance);
                }

                VerifyBase(state, report, advance);
            }
            finally
            {
                Release(layers);
            }
        }
    }

    private static void VerifyLayer(Layer layer, ManifestState state, Action<string, long, long, string> report, Action<long> advance)
    {
        var path = layer.File.File.Path;
        var header = new byte[LayerHeader.SizeBytes];
        if (layer.File.File.Read(header, 0) < header.Length || !LayerHeader.TryRead(header, out _))
        {
            report(path, 0, LayerHeader.SizeBytes, "the layer's header does not match its checksum");
        }

        var scanner = layer.Scan(state);
        while (scanner.TryNext())
        {
            if (scanner.FindDamagedBlock() is var block && block >= 0)
            {
                report(path, scanner.DataFileOffset + ((long)block * StoreLimits.BlockBytes), StoreLimits.BlockBytes, $"data of write {scanner.Header.FirstSequence} or later does not match its checksum");
            }

            advance(scanner.Header.TotalLength);
        }

        if (scanner.Problem is { } problem)
        {
            report(path, scanner.Offset, layer.Tail - scanner.Offset, $"expected {problem}");
        }
        else if (layer.Record is { Sealed: true, HasCutTail: false } && layer.File.File.Length > layer.Record.LengthBytes && !layer.HasIndex(state))
        {
            report(path, layer.Record.LengthBytes, layer.File.File.Length - layer.Record.LengthBytes, "the index does not match its checksum (it is made again from the batches)");
        }
    }

    private void VerifyBase(ManifestState state, Action<string, long, long, string> report, Action<long> advance)
    {
        var data = new byte[StoreLimits.BlockBytes];
        var path = Path.Combine(DirectoryPath, "base.crc");
        if (state.Merging is not null)
        {
            return;
        }

        _base.Enumerate(
            VolumeBlocks,
            (block, checksum) =>
            {
                if (_base.Image.File.Read(data, block * StoreLimits.BlockBytes) < data.Length || Crc32C.Compute(data) != checksum)
                {
                    report(_base.Image.File.Path, block * StoreLimits.BlockBytes, StoreLimits.BlockBytes, "data does not match its checksum");
                }

                advance(StoreLimits.BlockBytes);
            },
            block => report(path, block * BaseImage.EntryBytes, BaseImage.EntryBytes, $"the entry of block {block} is damaged"),
            out var blocks,
            out var sum);
        if ((blocks != state.BaseBlocks || sum != state.BaseSum) && State.BaseBlocks == state.BaseBlocks && State.Merging is null)
        {
            report(path, 0, 0, $"the entries are not those that were written ({state.BaseBlocks} blocks)");
        }
    }
}
