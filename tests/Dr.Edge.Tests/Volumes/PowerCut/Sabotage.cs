namespace Dr.Edge.Tests.Volumes.PowerCut;

internal enum FlushFate
{
    Made,

    /// <summary>Never made, and success is answered.</summary>
    Skipped,

    /// <summary>Made only after the next flush of something else.</summary>
    Late,
}

/// <summary>A way to write in the wrong order, as a mistake in the store would.</summary>
internal sealed class Sabotage(string name, Func<string, FlushFate> onFlush, Func<string, TraceEvent, bool>? putsFirst = null)
{
    public static readonly Sabotage None = new("nothing", _ => FlushFate.Made);

    public static readonly IReadOnlyList<Sabotage> All =
    [
        Skip("a flush that is answered and not made", path => IsLayer(path)),
        Skip("a new layer's header is not flushed before the manifest names it", FirstFlush()),
        Skip("a new layer's directory is not flushed", path => path.EndsWith("/layers", StringComparison.Ordinal)),
        Skip("the manifest's record is not flushed", path => path.EndsWith("/manifest", StringComparison.Ordinal)),
        Skip("the manifest's replacement is not flushed before it is renamed", path => path.EndsWith("/manifest.new", StringComparison.Ordinal)),
        Skip("a volume's directory is not flushed after a rename in it", path => path.StartsWith("volumes/", StringComparison.Ordinal) && path.LastIndexOf('/') == "volumes".Length),
        Skip("the folder of volumes is not flushed after one was made or deleted", path => path == "volumes"),
        Skip("the data directory is not flushed", path => path == "."),
        Skip("the base is not flushed before its layer goes", path => path.EndsWith("/base.img", StringComparison.Ordinal) || path.EndsWith("/base.crc", StringComparison.Ordinal)),
        new("a layer's space is given back before a record says that the base has it", _ => FlushFate.Made, (path, made) => IsLayer(path) && made is TraceEvent.Punch),
        Skip("the superblock is not flushed between its halves", path => path.EndsWith("/superblock", StringComparison.Ordinal)),
        new("the manifest is flushed before the layer that it seals", path => IsLayer(path) ? FlushFate.Late : FlushFate.Made),
        new("the mark that says what is durable is written before it is", _ => FlushFate.Made, (path, made) => path.EndsWith("/superblock", StringComparison.Ordinal) && made is TraceEvent.Write { Offset: 16384 }),
    ];

    public string Name => name;

    /// <param name="path">Relative to the data directory.</param>
    public FlushFate OnFlush(string path) => onFlush(path);

    /// <summary>Whether a write goes before the flush that it should come after.</summary>
    public bool PutsFirst(string path, TraceEvent made) => putsFirst?.Invoke(path, made) ?? false;

    public override string ToString() => name;

    private static Sabotage Skip(string name, Predicate<string> path) => new(name, flushed => path(flushed) ? FlushFate.Skipped : FlushFate.Made);

    /// <summary>The first flush of each layer file is the one that its maker does.</summary>
    private static Predicate<string> FirstFlush()
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        return path => IsLayer(path) && seen.Add(path);
    }

    private static bool IsLayer(string path) => path.EndsWith(".log", StringComparison.Ordinal);
}
