using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Format;
using Dr.Edge.Volumes.Mapping;
using Dr.Edge.Volumes.Scrubbing;

namespace Dr.Edge.Volumes;

/// <content>Checking what lies on disk.</content>
internal sealed partial class Volume
{
    /// <summary>Reports file, offset, length and problem of everything that is not as it was written; what is wrong stays as it is.</summary>
    /// <exception cref="DrException">The disk ran short meanwhile, and what is read stands in the way of history that has to give way.</exception>
    internal void VerifyFiles(Action<string, long, long, string> report, Action<long> advance, CancellationToken cancellationToken)
    {
        void Report(Damage damage) => report(damage.Where, damage.Offset, damage.Length, damage.Problem);
        void Advance(long bytes)
        {
            EndWhenInTheWay();
            advance(bytes);
        }

        VerifyMetadata(Report);
        _isReaderInTheWay = false;
        var (state, layers, hold) = Capture(null, "it is being verified");
        using (hold)
        {
            try
            {
                foreach (var layer in layers)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    VerifyLayerHeader(layer, Report);
                    VerifyBatches(layer, state, layer.Start(state), long.MaxValue, Advance, Report);
                    VerifyIndex(layer, state, Report);
                }

                VerifyBase(state, layers, report, Advance);
            }
            finally
            {
                Release(layers);
            }
        }
    }

    private void VerifyMetadata(Action<Damage> report)
    {
        var bad = _superblock.CountBadCopies();
        if (bad > 0)
        {
            report(new Damage(Path.Combine(DirectoryPath, SuperblockName), 0, (long)bad * Superblock.CopyBytes, $"{bad} of {Superblock.CopyCount} copies are damaged", null, null, false));
        }

        if (_manifest.FindDamage() is { } damage)
        {
            report(new Damage(Path.Combine(DirectoryPath, ManifestName), damage.Offset, damage.Length, "a record does not match its checksum", null, null, false));
        }
    }

    private static void VerifyLayerHeader(Layer layer, Action<Damage> report)
    {
        var header = new byte[LayerHeader.SizeBytes];
        if (layer.File.File.Read(header, 0) < header.Length || !LayerHeader.TryRead(header, out _))
        {
            report(new Damage(layer.File.File.Path, 0, LayerHeader.SizeBytes, "the layer's header does not match its checksum", null, layer.Record.Number, false));
        }
    }

    /// <summary>Checks batches from <paramref name="start"/> on until about <paramref name="length"/> bytes are read. Where to go on; null at the end of the layer, or at a batch that hides what follows it.</summary>
    private static long? VerifyBatches(Layer layer, ManifestState state, long start, long length, Action<long> advance, Action<Damage> report)
    {
        var path = layer.File.File.Path;
        var scanner = layer.Scan(state, start);
        while (scanner.TryNext())
        {
            if (scanner.FindDamagedBlock() is var index && index >= 0)
            {
                report(new Damage(
                    path,
                    scanner.DataFileOffset + ((long)index * StoreLimits.BlockBytes),
                    StoreLimits.BlockBytes,
                    $"data of write {scanner.Header.FirstSequence} or later does not match its checksum",
                    scanner.BlockAt(index),
                    layer.Record.Number,
                    false));
            }

            advance(scanner.Header.TotalLength);
            if (scanner.NextOffset - start >= length && scanner.NextOffset < layer.Tail)
            {
                return scanner.NextOffset;
            }
        }

        if (scanner.Problem is { } problem)
        {
            report(new Damage(path, scanner.Offset, layer.Tail - scanner.Offset, $"expected {problem}", null, layer.Record.Number, false));
        }

        return null;
    }

    private static void VerifyIndex(Layer layer, ManifestState state, Action<Damage> report)
    {
        if (layer.Record is { Sealed: true, HasCutTail: false } && layer.HasIndexHeader && !layer.HasIndex(state))
        {
            report(new Damage(
                layer.File.File.Path, layer.Record.LengthBytes, layer.File.File.Length - layer.Record.LengthBytes, "the index does not match its checksum (it is made again from the batches)", null, layer.Record.Number, true));
        }
    }

    /// <summary>Checks at most <paramref name="maxBlocks"/> blocks of the base from <paramref name="first"/> on; returns where to go on.</summary>
    private long VerifyBaseBlocks(long first, int maxBlocks, out long bytes, Action<Damage> report)
    {
        var data = new byte[StoreLimits.BlockBytes];
        var read = 0L;
        var path = Path.Combine(DirectoryPath, "base.crc");
        var next = _base.EnumerateFrom(
            first,
            VolumeBlocks,
            maxBlocks,
            (block, checksum) =>
            {
                read += data.Length;
                if (_base.Image.File.Read(data, block * StoreLimits.BlockBytes) < data.Length || Crc32C.Compute(data) != checksum)
                {
                    report(new Damage(_base.Image.File.Path, block * StoreLimits.BlockBytes, StoreLimits.BlockBytes, "data does not match its checksum", block, null, false));
                }
            },
            block => report(new Damage(path, block * BaseImage.EntryBytes, BaseImage.EntryBytes, $"the entry of block {block} is damaged", block, null, false)));
        bytes = read;
        return next;
    }

    /// <summary>What a layer still adds to the base may be half there; its file is what counts for it. Everything else is checked while it moves too, and what has moved must be what the layer had.</summary>
    private void VerifyBase(ManifestState state, Layer[] layers, Action<string, long, long, string> report, Action<long> advance)
    {
        var data = new byte[StoreLimits.BlockBytes];
        var path = Path.Combine(DirectoryPath, "base.crc");
        var changing = new ChangeBitmap(VolumeBlocks);
        var moved = new uint[1];
        try
        {
            foreach (var entry in state.Merging is null ? [] : layers[0].ReadEntries(state))
            {
                changing.Set(entry.FirstBlock, entry.BlockCount);
            }
        }
        catch (CorruptDataException)
        {
            return; // The layer was found damaged already; without it nobody knows which blocks are changing.
        }

        foreach (var entry in layers[0].ReadMovedEntries(state))
        {
            if (_base.ReadChecksums(entry.FirstBlock, moved) != -1 || moved[0] != entry.Checksum)
            {
                report(path, entry.FirstBlock * BaseImage.EntryBytes, BaseImage.EntryBytes, $"the entry of block {entry.FirstBlock} is not what layer {layers[0].Record.Number} had");
            }
        }

        _base.Enumerate(
            VolumeBlocks,
            (block, checksum) =>
            {
                if (!changing.Contains(block) && (_base.Image.File.Read(data, block * StoreLimits.BlockBytes) < data.Length || Crc32C.Compute(data) != checksum))
                {
                    report(_base.Image.File.Path, block * StoreLimits.BlockBytes, StoreLimits.BlockBytes, "data does not match its checksum");
                }

                advance(StoreLimits.BlockBytes);
            },
            block => report(path, block * BaseImage.EntryBytes, BaseImage.EntryBytes, $"the entry of block {block} is damaged"),
            out var blocks,
            out var sum);
        if (state.Merging is null && (blocks != state.BaseBlocks || sum != state.BaseSum) && State.BaseBlocks == state.BaseBlocks && State.Merging is null)
        {
            report(path, 0, 0, $"the entries are not those that were written ({state.BaseBlocks} blocks)");
        }
    }
}
