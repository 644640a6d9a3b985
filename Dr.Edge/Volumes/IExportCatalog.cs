namespace Dr.Edge.Volumes;

/// <summary>Names that clients can attach: <c>VOLUME</c>, <c>VOLUME@POINT</c>, <c>VOLUME@TIME</c>, <c>CLONE</c>.</summary>
public interface IExportCatalog
{
    /// <summary>Every export worth listing (volumes, their points, clones); times are not listed but can be opened.</summary>
    IReadOnlyList<ExportInfo> List();

    /// <summary>Opens an export; dispose the lease when the last connection that uses it ends. Null when there is no such name.</summary>
    /// <exception cref="DrException">The name is known but cannot be opened now, with the reason.</exception>
    IExportLease? Open(string name);
}

/// <param name="Description">For people, for example "DILAS, primary, epoch 3" or "point of 2026-11-22T10:05:00Z, application-consistent".</param>
public sealed record ExportInfo(string Name, string Description, long SizeBytes, bool IsReadOnly);

/// <summary>Keeps what it shows from being expired or deleted until disposed.</summary>
public interface IExportLease : IDisposable
{
    ExportInfo Info { get; }

    IBlockDevice Device { get; }

    /// <summary>Ids of the points that changes up to this export can be asked since, oldest first.</summary>
    IReadOnlyList<string> ChangePoints => [];

    /// <summary>
    /// What changed between a point (by id or label) and this export: a view's position, or what a live volume holds at the time of the call. Later writes do not change it.
    /// Null when there is no such point before it.
    /// </summary>
    IChangeMap? OpenChanges(string since) => null;
}

/// <summary>Changed ranges between two positions of a volume. Keeps the history it needs until disposed; may be asked from one thread at a time.</summary>
public interface IChangeMap : IDisposable
{
    /// <summary>
    /// From <paramref name="offset"/> on: appends runs to <paramref name="runs"/> that cover at least the first byte and at most <paramref name="length"/> bytes, merged where equal,
    /// at most <paramref name="maxRuns"/>. What is said to be unchanged is byte for byte the same at both positions; what is said to be changed may be.
    /// </summary>
    /// <exception cref="DrException">The history cannot be read any more, for example because it is damaged.</exception>
    void GetChanges(long offset, long length, int maxRuns, List<ChangeRun> runs);
}

/// <param name="Length">Bytes, more than 0.</param>
/// <param name="IsChanged">False: nothing was written there between the two positions.</param>
public readonly record struct ChangeRun(long Length, bool IsChanged);
