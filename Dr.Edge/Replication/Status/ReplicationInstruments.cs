using System.Diagnostics.Metrics;
using Dr.Edge.Replication.Line.Bandwidth;

namespace Dr.Edge.Replication.Status;

/// <summary>What is measured of every copy sent from here; read from the copies when somebody asks, so that it costs nothing otherwise.</summary>
internal sealed class ReplicationInstruments : IDisposable
{
    public const string MeterName = "Dr.Edge.Replication";

    private readonly CopyService _copies;
    private readonly Meter _meter = new(MeterName);

    public ReplicationInstruments(CopyService copies)
    {
        _copies = copies;
        Gauge("dr.copy.lag", "By", "Journal that the copy does not have on its disk.", s => s.LagBytes);
        Gauge("dr.copy.age", "s", "Age of the newest state that the copy has on its disk; -1 when not known.", s => s.LagSeconds);
        Gauge("dr.copy.current", "{copy}", "1 while the copy is current.", s => s.State == CopyState.Current ? 1 : 0);
        Gauge("dr.copy.mirror", "{state}", "0 not synchronous, 1 out of date, 2 whole.", s => (int)s.Mirror);
        Gauge("dr.copy.rate", "By/s", "Bytes on the wire in a second, over the last ten.", s => s.BytesPerSecond);
        Gauge("dr.copy.held", "By", "History kept because the copy lacks it.", s => s.HeldBytes);
        Gauge("dr.copy.gaps.open", "{gap}", "Gaps that the copy has not passed yet.", s => s.Gaps.Count(g => g.ClosedAt is null));
        Counter("dr.copy.wire", "By", "Bytes sent to the copy since the start.", s => s.WireBytes);
        Counter("dr.copy.changed", "By", "Changes that they carried.", s => s.ChangedBytes);
        Counter("dr.copy.divergent", "{block}", "Blocks of the copy that differed and were sent whole.", s => s.DivergentBlocks);
        _meter.CreateObservableGauge("dr.bandwidth.limit", () => MeasureClasses(c => c.Class.BytesPerSecond ?? 0), "By/s", "Rate of the bandwidth class; 0 = no limit.");
        _meter.CreateObservableGauge("dr.bandwidth.waiting", () => MeasureClasses(c => c.Waiting), "{copy}", "Copies that wait for their class.");
        _meter.CreateObservableCounter("dr.bandwidth.sent", () => MeasureClasses(c => c.GrantedBytes), "By", "Bytes sent through the class since the start.");
    }

    public void Dispose() => _meter.Dispose();

    private IEnumerable<Measurement<T>> MeasureClasses<T>(Func<BandwidthClassView, T> value)
        where T : struct => _copies.Bandwidth.List().Select(c => new Measurement<T>(value(c), new KeyValuePair<string, object?>("class", c.Class.Name)));

    private void Gauge(string name, string unit, string description, Func<CopyStatus, double> value) =>
        _meter.CreateObservableGauge(name, () => Measure(value), unit, description);

    private void Counter(string name, string unit, string description, Func<CopyStatus, long> value) =>
        _meter.CreateObservableCounter(name, () => Measure(value), unit, description);

    private IEnumerable<Measurement<T>> Measure<T>(Func<CopyStatus, T> value)
        where T : struct
    {
        foreach (var copy in _copies.Copies)
        {
            var status = copy.ToStatus();
            yield return new Measurement<T>(
                value(status),
                new KeyValuePair<string, object?>("volume", copy.Volume.Name),
                new KeyValuePair<string, object?>("peer", status.Peer),
                new KeyValuePair<string, object?>("mode", status.Mode.ToString().ToLowerInvariant()),
                new KeyValuePair<string, object?>("class", status.BandwidthClass ?? ""));
        }
    }
}
