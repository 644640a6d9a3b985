using System.Diagnostics.Metrics;
using Dr.Edge.Volumes.Format;
using Dr.Edge.Volumes.Space;

namespace Dr.Edge.Volumes;

/// <summary>What is measured of the disk and of every volume; read from them when somebody asks, so that it costs nothing otherwise. Names: <c>Hosting/Metrics/metrics.md</c>.</summary>
internal sealed class VolumeInstruments : IDisposable
{
    public const string MeterName = "Dr.Edge.Volumes";

    // Recorded on the flush path of any volume, which knows no services.
    private static readonly Meter FlushMeter = new(MeterName);
    private static readonly Histogram<double> FlushDuration = FlushMeter.CreateHistogram<double>("dr.volume.flush.duration", "s", "Time that the disk took for a flush.");

    // Recorded where a point is taken, likewise.
    private static readonly Histogram<double> PointPause = FlushMeter.CreateHistogram<double>("dr.volume.point.pause", "s", "Time that writers were kept from the log while a point was taken.");
    private static readonly Histogram<double> PointDuration = FlushMeter.CreateHistogram<double>("dr.volume.point.duration", "s", "Time from the end of the old layer to the durable point: flushes wait as long.");

    private readonly VolumeSet _set;
    private readonly SpaceKeeper _space;
    private readonly Meter _meter = new(MeterName);

    public VolumeInstruments(VolumeSet set, SpaceKeeper space)
    {
        (_set, _space) = (set, space);
        Disk("dr.disk.size", "By", "Size of the file system that the volumes are on.", disk => disk.SizeBytes);
        Disk("dr.disk.available", "By", "Space left on it.", disk => disk.AvailableBytes);
        Disk("dr.disk.reserve", "By", "Space that clients never get.", disk => disk.ReserveBytes);
        Disk("dr.disk.level", "{level}", "0 ample, 1 warning, 2 critical, 3 full: writes are refused.", disk => (int)disk.Level);
        Disk("dr.disk.full.in", "s", "Until writes are refused, by the worst trend; -1 = not within ten years.", disk => disk.FullIn?.TotalSeconds ?? -1);
        _meter.CreateObservableGauge("dr.disk.growth", Growth, "By", "Growth per hour of what is used on it, by window.");
        Gauge("dr.volume.size", "By", "Size that clients see.", volume => volume.SizeBytes);
        Gauge("dr.volume.used", "By", "Space that base and layers take.", volume => volume.AllocatedBytes);
        Gauge("dr.volume.content", "By", "Content that is not known to be zeros.", volume => volume.MappedBlocks * StoreLimits.BlockBytes);
        Gauge("dr.volume.points", "{point}", "Points kept.", volume => volume.Points.Count);
        Gauge("dr.volume.layers", "{layer}", "Layers between base and present.", volume => volume.State.Layers.Count);
        Gauge("dr.volume.history", "s", "Age of the oldest moment that can be opened.", volume => (set.Time.GetUtcNow() - volume.HistoryBegins).TotalSeconds);
        Gauge("dr.volume.writable", "{state}", "1 while clients may write.", volume => volume.Gate.IsOpen ? 1 : 0);
        Gauge("dr.volume.fault", "{state}", "1 when the volume has stopped because of a fault.", volume => volume.Fault is null ? 0 : 1);
        Gauge("dr.volume.undurable", "{write}", "Writes answered and not flushed.", volume => volume.Appended.Value - volume.Durable.Value);
        Counter("dr.volume.appended", "By", "Written to the log since the start, with its headers.", volume => volume.AppendedBytes);
        Counter("dr.volume.reads", "{request}", "Reads of clients since the start.", volume => volume.Counters.Reads.Count);
        Counter("dr.volume.read", "By", "Bytes they read.", volume => volume.Counters.Reads.Total);
        Counter("dr.volume.writes", "{request}", "Writes, trims and zeroes of clients since the start.", volume => volume.Counters.Writes.Count);
        Counter("dr.volume.written", "By", "Bytes they wrote.", volume => volume.Counters.Writes.Total);
        Counter("dr.volume.refused", "{request}", "Writes refused for want of space since the start.", volume => volume.Counters.Refused.Count);
    }

    public static void Flushed(string volume, TimeSpan time) => FlushDuration.Record(time.TotalSeconds, Named(volume));

    /// <summary>Outside the locks that it is about.</summary>
    public static void Paused(string volume, TimeSpan time) => PointPause.Record(time.TotalSeconds, Named(volume));

    public static void PointTaken(string volume, TimeSpan time) => PointDuration.Record(time.TotalSeconds, Named(volume));

    public void Dispose() => _meter.Dispose();

    private void Disk(string name, string unit, string description, Func<FileSystemSpace, double> value) =>
        _meter.CreateObservableGauge(name, () => value(_space.FileSystem()), unit, description);

    private void Gauge(string name, string unit, string description, Func<Volume, double> value) =>
        _meter.CreateObservableGauge(name, () => _set.Volumes.Select(volume => new Measurement<double>(value(volume), Tag(volume))), unit, description);

    private void Counter(string name, string unit, string description, Func<Volume, long> value) =>
        _meter.CreateObservableCounter(name, () => _set.Volumes.Select(volume => new Measurement<long>(value(volume), Tag(volume))), unit, description);

    private IEnumerable<Measurement<double>> Growth()
    {
        var growth = _space.FileSystem().Growth;
        foreach (var (window, rate) in (IEnumerable<(string, GrowthRate?)>)[("hour", growth.Hour), ("day", growth.Day), ("week", growth.Week)])
        {
            if (rate is not null)
            {
                yield return new Measurement<double>(rate.GrowthPerHour, new KeyValuePair<string, object?>("window", window));
            }
        }
    }

    private static KeyValuePair<string, object?> Tag(Volume volume) => Named(volume.Name);

    private static KeyValuePair<string, object?> Named(string volume) => new("volume", volume);
}
