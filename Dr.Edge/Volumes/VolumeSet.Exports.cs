using Dr.Edge.Volumes.Exports;

namespace Dr.Edge.Volumes;

/// <content>What NBD clients can attach.</content>
internal sealed partial class VolumeSet
{
    // Under _lock: open leases per volume, live and past.
    private readonly Dictionary<VolumeId, int> _leases = [];

    // Under _lock: open leases of volumes as they are now.
    private readonly Dictionary<VolumeId, int> _live = [];

    /// <summary>How many have the volume itself attached; views of its past do not count.</summary>
    public int LiveClients(Volume volume)
    {
        lock (_lock)
        {
            return _live.GetValueOrDefault(volume.Id);
        }
    }

    /// <summary>Every volume and clone, each followed by its newest points; see <see cref="ListBudget"/> for how many.</summary>
    public IReadOnlyList<ExportInfo> List()
    {
        var volumes = Volumes;
        var points = volumes.Select(volume => volume.Points).ToList();
        var shares = ListBudget.Share([.. points.Select(list => list.Count)], ListBudget.MaxEntries);
        var exports = new List<ExportInfo>();
        for (var index = 0; index < volumes.Count; index++)
        {
            exports.Add(DescribeLive(volumes[index], points[index], shares[index]));
            exports.AddRange(points[index].TakeLast(shares[index]).Select(point => DescribePoint(volumes[index], point)));
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
            _live[volume.Id] = _live.GetValueOrDefault(volume.Id) + (at < 0 ? 1 : 0);
        }

        try
        {
            return at < 0 ? new Lease(this, volume, DescribeLive(volume, volume.Points, volume.Points.Count), volume, null, null) : OpenPast(volume, name, name[(at + 1)..]);
        }
        catch
        {
            Return(volume.Id, at < 0);
            throw;
        }
    }

    private Lease OpenPast(Volume volume, string name, string position)
    {
        var (point, at) = PositionText.Resolve(volume, position, Time.GetUtcNow());
        var view = point is { } id ? volume.OpenView(id) : volume.OpenView(at);
        var info = point is { } found ? DescribePoint(volume, volume.GetPoint(found)) : new ExportInfo(name, ExportText.OfMoment(volume.Name, at), view.SizeBytes, IsReadOnly: true);
        return new Lease(this, volume, info, view, view, point);
    }

    private ExportInfo DescribeLive(Volume volume, IReadOnlyList<PointInfo> points, int listed) => new(
        volume.Name,
        ExportText.OfVolume(
            volume.Role, volume.Epoch, volume.Origin is { } origin ? Find(origin.Volume)?.Name ?? origin.Volume.ToString() : null, volume.Origin?.At, points, listed, volume.Fault),
        volume.SizeBytes,
        IsReadOnly: false);

    private static ExportInfo DescribePoint(Volume volume, PointInfo point) => new($"{volume.Name}@{point.Id}", ExportText.OfPoint(point), volume.SizeAt(point), IsReadOnly: true);

    private void Return(VolumeId id, bool isLive)
    {
        lock (_lock)
        {
            _live[id] -= isLive ? 1 : 0;
            if (--_leases[id] == 0)
            {
                _leases.Remove(id);
                _live.Remove(id);
            }
        }
    }

    private sealed class Lease(VolumeSet set, Volume volume, ExportInfo info, IBlockDevice device, VolumeView? view, PointId? point) : IExportLease
    {
        private int _disposed;

        public ExportInfo Info { get; } = info;

        public IBlockDevice Device { get; } = device;

        public IReadOnlyList<string> ChangePoints => [.. PointsBefore().Select(point => point.Id.ToString())];

        public IChangeMap? OpenChanges(string since)
        {
            // Labels may be used again; the last one counts, as it does in an export's name.
            var candidates = PointsBefore().ToList();
            var found = candidates.Find(candidate => candidate.Id.ToString() == since) ?? candidates.FindLast(candidate => candidate.Label == since);
            return found is null ? null : volume.OpenChanges(found.Sequence, view?.Sequence ?? volume.Appended, $"changes since point {found.Id} are being read");
        }

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _disposed, 1) == 0)
            {
                view?.Dispose();
                set.Return(volume.Id, isLive: view is null);
            }
        }

        private IEnumerable<PointInfo> PointsBefore() =>
            view is null ? volume.Points
            : point is { } own ? volume.Points.Where(candidate => candidate.Id < own)
            : volume.Points.Where(candidate => candidate.Sequence <= view.Sequence);
    }
}
