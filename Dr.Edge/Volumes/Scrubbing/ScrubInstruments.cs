using System.Diagnostics.Metrics;

namespace Dr.Edge.Volumes.Scrubbing;

/// <summary>What is measured of scrubbing. Names: <c>Hosting/Metrics/metrics.md</c>.</summary>
internal sealed class ScrubInstruments : IDisposable
{
    private readonly VolumeSet _set;
    private readonly Meter _meter = new(VolumeInstruments.MeterName);

    public ScrubInstruments(VolumeSet set, Scrubber scrubber)
    {
        _set = set;
        Gauge("dr.scrub.checked", "By", "Read in the pass under way, or in the last one.", volume => scrubber.Book(volume).CheckedBytes);
        Gauge("dr.scrub.findings", "{place}", "Places found damaged and not seen whole since.", volume => scrubber.Book(volume).Findings.Count);
        Gauge("dr.scrub.age", "s", "Since the last whole pass ended; -1 when there was none.", volume => scrubber.Book(volume).FinishedAt is { } at ? (set.Time.GetUtcNow() - at).TotalSeconds : -1);
        Gauge("dr.scrub.running", "{state}", "1 while a pass is under way and not paused.", volume => scrubber.Book(volume) is { Cursor: not null, Paused: false } ? 1 : 0);
    }

    public void Dispose() => _meter.Dispose();

    private void Gauge(string name, string unit, string description, Func<Volume, double> value) => _meter.CreateObservableGauge(
        name, () => _set.Volumes.Select(volume => new Measurement<double>(value(volume), new KeyValuePair<string, object?>("volume", volume.Name))), unit, description);
}
