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
}
