using Dr.Edge.Volumes.Format;

namespace Dr.Edge.Volumes.Expiring;

/// <summary>Cuts a layer that moves into the base into slices that end between two batches.</summary>
internal static class MergeSlices
{
    /// <summary>Each slice costs two flushes and a record: 64 MiB keep that below a hundredth of what a disk writes, and hold 16384 blocks in memory.</summary>
    public const long Bytes = 64L << 20;

    /// <summary>While space is short: half of the least reserve, so that a slice finds room in it.</summary>
    public const long ShortBytes = 4L << 20;

    /// <summary>What is left of the layer is one slice.</summary>
    public static bool IsOne(Layer layer, ManifestState state, long bytes) => layer.Record.LengthBytes - layer.Start(state) <= bytes;

    /// <summary>The next slice: whole batches, about <paramref name="bytes"/> long, at least one.</summary>
    /// <exception cref="CorruptDataException">A batch is not right.</exception>
    public static MergeSlice Next(Layer layer, ManifestState state, long bytes)
    {
        if (IsOne(layer, state, bytes))
        {
            return new MergeSlice(layer.Record.LengthBytes, null, layer.ReadEntries(state));
        }

        var start = layer.Start(state);
        var scanner = layer.Scan(state);
        var contents = new LayerContents(state.SizeBytes / StoreLimits.BlockBytes);
        while (scanner.NextOffset - start < bytes && scanner.TryNext())
        {
            contents.Apply(scanner.Header, scanner.Section, scanner.DataFileOffset);
        }

        if (scanner.Problem is { } problem)
        {
            contents.Dispose();
            throw new CorruptDataException(layer.File.File.Path, scanner.Offset, problem, "something else");
        }

        return new MergeSlice(scanner.NextOffset, contents, contents.Entries());
    }
}

/// <summary>A part of a layer's file.</summary>
/// <param name="End">Where it ends, between two batches.</param>
/// <param name="Contents">What the entries come from; null when they are the layer's own.</param>
/// <param name="Entries">The last version inside the slice of everything it wrote, ascending.</param>
internal sealed record MergeSlice(long End, LayerContents? Contents, IEnumerable<LayerIndex.Entry> Entries) : IDisposable
{
    public void Dispose() => Contents?.Dispose();
}
