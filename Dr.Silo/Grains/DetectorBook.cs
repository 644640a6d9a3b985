using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using Dr.Silo.Decisions.Detection;

namespace Dr.Silo.Grains;

/// <summary>What this silo has measured of its detector, per class: kept in memory, told as metrics and in views. Sums of several silos add up.</summary>
public sealed class DetectorBook : IDisposable
{
    public const string MeterName = "Dr.Silo.Detector";

    private readonly ConcurrentDictionary<string, DetectorQuality> _classes = new(StringComparer.Ordinal);

    // Every beat adds to this one: nothing is allocated and nobody waits.
    private readonly Dictionary<string, StrongBox<long>> _followedTicks = BeatClass.All.ToDictionary(c => c.Name, _ => new StrongBox<long>(), StringComparer.Ordinal);
    private readonly Meter _meter = new(MeterName);

    public DetectorBook()
    {
        Gauge("dr.detector.followed", "s", "Time in which living devices were followed", q => q.Followed.TotalSeconds);
        Gauge("dr.detector.mistakes", "{mistake}", "Suspicions of devices that had never stopped", q => q.Mistakes);
        Gauge("dr.detector.mistake.time", "s", "How long they lasted together", q => q.MistakenFor.TotalSeconds);
        Gauge("dr.detector.detections", "{detection}", "Suspicions that were right", q => q.Detections);
        Gauge("dr.detector.accuracy", "1", "Share of the time in which a living device is not suspected (P_A)", q => q.Accuracy);
        Gauge("dr.detector.test.p95", "s", "Time from a synthetic kill to the suspicion (T_D), 95th percentile", q => q.DetectionPercentile(0.95));
    }

    public IReadOnlyDictionary<string, DetectorQuality> Classes => _followedTicks.ToDictionary(
        f => f.Key, f => (_classes.GetValueOrDefault(f.Key) ?? DetectorQuality.None).FollowedFor(TimeSpan.FromTicks(Interlocked.Read(ref f.Value.Value))), StringComparer.Ordinal);

    public void Dispose() => _meter.Dispose();

    /// <summary>A device was heard this long after the beat before, and had not been suspected.</summary>
    internal void Followed(BeatClass beats, TimeSpan time) => Interlocked.Add(ref _followedTicks[beats.Name].Value, time.Ticks);

    internal void Note(BeatClass beats, Func<DetectorQuality, DetectorQuality> what) => _classes.AddOrUpdate(beats.Name, _ => what(DetectorQuality.None), (_, present) => what(present));

    private void Gauge(string name, string unit, string description, Func<DetectorQuality, double?> value) => _meter.CreateObservableGauge(
        name,
        () => Classes.Select(c => (c.Key, Value: value(c.Value))).Where(x => x.Value is not null).Select(x => new Measurement<double>(x.Value!.Value, new KeyValuePair<string, object?>("class", x.Key))),
        unit,
        description);
}
