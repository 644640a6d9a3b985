using Dr.Edge.Volumes.Format;

namespace Dr.Edge.Tests.Volumes.PowerCut;

internal enum FlushFate
{
    Made,

    /// <summary>Never made, and success is answered.</summary>
    Skipped,

    /// <summary>Made only after a later flush of something else.</summary>
    Late,
}

/// <summary>A way to write in the wrong order, as a mistake in the store would. One instance for one life: some remember what they saw.</summary>
internal sealed class Sabotage
{
    public static readonly Sabotage None = new() { Name = "nothing" };

    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);
    private readonly HashSet<string> _compacted = new(StringComparer.Ordinal);

    /// <summary>Mistakes in what a store always does, then mistakes in one kind of work each.</summary>
    public static IReadOnlyList<Sabotage> All =>
    [
        Skip("a flush that is answered and not made", IsLayer),
        new() { Name = "a new layer's header is not flushed before the manifest names it", Fate = (self, path, _) => IsLayer(path) && self._seen.Add(path) ? FlushFate.Skipped : FlushFate.Made },
        Skip("a new layer's directory is not flushed", path => path.EndsWith("/layers", StringComparison.Ordinal)),
        Skip("the manifest's record is not flushed", IsManifest),
        Skip("the manifest's replacement is not flushed before it is renamed", path => path.EndsWith("/manifest.new", StringComparison.Ordinal)),
        Skip("a volume's directory is not flushed after a rename in it", IsVolume),
        Skip("the folder of volumes is not flushed after one was made or deleted", path => path == "volumes"),
        Skip("the data directory is not flushed", path => path == "."),
        Skip("the base is not flushed before its layer goes", path => path.EndsWith("/base.img", StringComparison.Ordinal) || path.EndsWith("/base.crc", StringComparison.Ordinal)),
        Skip("the superblock is not flushed between its halves", path => path.EndsWith("/superblock", StringComparison.Ordinal)),
        new() { Name = "the manifest is flushed before the layer that it seals", Fate = (_, path, _) => IsLayer(path) ? FlushFate.Late : FlushFate.Made },
        new()
        {
            Name = "the mark that says what is durable is written before it is",
            First = (_, path, made) => path.EndsWith("/superblock", StringComparison.Ordinal) && made is TraceEvent.Write { Offset: 16384 },
        },
        new() { Name = "a layer's space is given back before a record says that the base has it", First = (_, path, made) => IsLayer(path) && made is TraceEvent.Punch },
        new() { Name = "a compacted layer is not flushed before the manifest names it", Fate = (self, path, _) => self._compacted.Contains(path) ? FlushFate.Skipped : FlushFate.Made },
        new() { Name = "the record with a compacted layer is flushed before that layer", Fate = (self, path, _) => self._compacted.Contains(path) ? FlushFate.Late : FlushFate.Made, LateUntil = IsManifest },
        new() { Name = "layers are removed before the record that no longer names them is flushed", First = (_, path, made) => IsLayer(path) && made is TraceEvent.Names },
        Skip("a group's records are not flushed", IsManifest, "group"),
        Skip("a group's old heads are not flushed", IsLayer, "group"),
        Skip("a hold is not flushed", IsManifest, "hold"),
        Skip("a new size is not flushed", IsManifest, "resize"),
        Skip("a restore is not flushed", IsLayer, "restore"),
        Skip("a change map is not flushed before it is renamed", path => path.EndsWith(".map.new", StringComparison.Ordinal)),
        Skip("what a change map ends with is not flushed before it", IsLayer, "map"),
    ];

    public required string Name { get; init; }

    private Func<Sabotage, string, string, FlushFate>? Fate { get; init; }

    private Func<Sabotage, string, TraceEvent, bool>? First { get; init; }

    /// <summary>A flush that is late is made after the next one of these.</summary>
    private Predicate<string> LateUntil { get; init; } = _ => true;

    /// <param name="path">Relative to the data directory.</param>
    /// <param name="phase">What the store was asked to do; empty while it works by itself.</param>
    public FlushFate OnFlush(string path, string phase) => Fate?.Invoke(this, path, phase) ?? FlushFate.Made;

    /// <summary>Whether flushes that were kept back are made after this one.</summary>
    public bool EndsDelay(string path) => LateUntil(path);

    /// <summary>Whether a write or a removal goes before the flush that it should come after.</summary>
    public bool PutsFirst(string path, TraceEvent made)
    {
        if (made is TraceEvent.Write { Offset: 0 } header && LayerHeader.TryRead(header.Data, out var layer) && layer.CompactedLast > 0)
        {
            _compacted.Add(path);
        }

        return First?.Invoke(this, path, made) ?? false;
    }

    public override string ToString() => Name;

    public static Sabotage Skip(string name, Predicate<string> path, string? during = null) =>
        new() { Name = name, Fate = (_, flushed, phase) => path(flushed) && (during is null || phase == during) ? FlushFate.Skipped : FlushFate.Made };

    private static bool IsLayer(string path) => path.EndsWith(".log", StringComparison.Ordinal);

    private static bool IsManifest(string path) => path.EndsWith("/manifest", StringComparison.Ordinal);

    private static bool IsVolume(string path) => path.StartsWith("volumes/", StringComparison.Ordinal) && path.LastIndexOf('/') == "volumes".Length;
}
