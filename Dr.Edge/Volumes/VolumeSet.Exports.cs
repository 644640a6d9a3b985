namespace Dr.Edge.Volumes;

/// <content>What NBD clients can attach.</content>
internal sealed partial class VolumeSet
{
    // Under _lock: open leases per volume, live and past.
    private readonly Dictionary<VolumeId, int> _leases = [];

    public IReadOnlyList<ExportInfo> List()
    {
        var exports = new List<ExportInfo>();
        foreach (var volume in Volumes)
        {
            exports.Add(DescribeLive(volume));
            exports.AddRange(volume.Points.Select(point => DescribePoint(volume, point)));
        }

        return exports;
    }

    public IExportLease? Open(string name)
    {
        var at = name.IndexOf('@', StringComparison.Ordinal);
        if (Find(at < 0 ? name : name[..at]) is not { } volume)
        {
            return null;
        }

        lock (_lock)
        {
            if (!_volumes.ContainsKey(volume.Id))
            {
                return null;
            }

            _leases[volume.Id] = _leases.GetValueOrDefault(volume.Id) + 1;
        }

        try
        {
            return at < 0 ? new Lease(this, volume, DescribeLive(volume), volume, null) : OpenPast(volume, name, name[(at + 1)..]);
        }
        catch
        {
            Return(volume.Id);
            throw;
        }
    }

    private Lease OpenPast(Volume volume, string name, string position)
    {
        var (point, at) = PositionText.Resolve(volume, position, Time.GetUtcNow());
        var view = point is { } id ? volume.OpenView(id) : volume.OpenView(at);
        var info = point is { } found ? DescribePoint(volume, volume.GetPoint(found)) : new ExportInfo(name, $"{volume.Name} at {at:O}", view.SizeBytes, IsReadOnly: true);
        return new Lease(this, volume, info, view, view);
    }

    private static ExportInfo DescribeLive(Volume volume) => new(
        volume.Name,
        volume.Origin is { } origin ? $"clone at {origin.At:O}" : $"{volume.Role.ToString().ToLowerInvariant()}, epoch {volume.Epoch}",
        volume.SizeBytes,
        IsReadOnly: false);

    private static ExportInfo DescribePoint(Volume volume, PointInfo point) => new(
        $"{volume.Name}@{point.Id}",
        $"point of {point.At:O}, {point.Consistency.ToString().ToLowerInvariant()}-consistent{(point.Label is null ? "" : $", {point.Label}")}",
        volume.SizeBytes,
        IsReadOnly: true);

    private void Return(VolumeId id)
    {
        lock (_lock)
        {
            if (--_leases[id] == 0)
            {
                _leases.Remove(id);
            }
        }
    }

    private sealed class Lease(VolumeSet set, Volume volume, ExportInfo info, IBlockDevice device, IDisposable? owned) : IExportLease
    {
        private int _disposed;

        public ExportInfo Info { get; } = info;

        public IBlockDevice Device { get; } = device;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _disposed, 1) == 0)
            {
                owned?.Dispose();
                set.Return(volume.Id);
            }
        }
    }
}
