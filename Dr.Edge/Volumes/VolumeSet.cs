namespace Dr.Edge.Volumes;

/// <summary>Every volume and clone of one data directory, which it locks against a second process.</summary>
internal sealed class VolumeSet : IExportCatalog, IDisposable
{
    public string DirectoryPath { get; } = "";

    public IReadOnlyList<Volume> Volumes { get; } = [];

    /// <summary>Raised after a volume or clone came (true) or went (false).</summary>
    public event Action<Volume, bool>? Changed;

    public static VolumeSet Open(string dataDirectory, TimeProvider time) => throw new NotSupportedException();

    public Volume? Find(string name) => throw new NotSupportedException();

    public Volume? Find(VolumeId id) => throw new NotSupportedException();

    /// <exception cref="DrException">There is no volume or clone of that name.</exception>
    public Volume Get(string name) => throw new NotSupportedException();

    /// <summary>A new volume, empty, primary at epoch 1.</summary>
    public Volume Create(string name, long sizeBytes) => throw new NotSupportedException();

    /// <summary>A new, empty copy of a volume whose primary is elsewhere; returns the one that is there when id, name and size agree.</summary>
    public Volume CreateReplica(VolumeId id, string name, long sizeBytes) => throw new NotSupportedException();

    /// <summary>A writable volume that begins as <paramref name="parent"/> was at the point.</summary>
    public Volume CreateClone(Volume parent, PointId point, string name) => throw new NotSupportedException();

    public Volume CreateClone(Volume parent, DateTimeOffset at, string name) => throw new NotSupportedException();

    public void Delete(string name) => Changed?.Invoke(Get(name), false);

    public IReadOnlyList<ExportInfo> List() => throw new NotSupportedException();

    public IExportLease? Open(string name) => throw new NotSupportedException();

    public void Dispose()
    {
    }
}
