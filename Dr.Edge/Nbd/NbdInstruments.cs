using System.Diagnostics.Metrics;

namespace Dr.Edge.Nbd;

/// <summary>What is measured of NBD clients; read from the server when somebody asks. Names: <c>Hosting/Metrics/metrics.md</c>.</summary>
internal sealed class NbdInstruments : IDisposable
{
    public const string MeterName = "Dr.Edge.Nbd";

    private readonly Meter _meter = new(MeterName);

    public NbdInstruments(NbdServer server)
    {
        _meter.CreateObservableGauge("dr.nbd.connections", () => server.ConnectionCount, "{connection}", "Clients connected now.");
        Counter("dr.nbd.requests", "{request}", "Requests since the start.", () => server.Totals().Requests);
        Counter("dr.nbd.batches", "{batch}", "Batches of changes that they were written as.", () => server.Totals().Batches);
        Counter("dr.nbd.refused", "{request}", "Requests that broke a rule or came while shutting down.", () => server.Totals().Refused);
        Counter("dr.nbd.failed", "{request}", "Requests that the volume could not do.", () => server.Totals().Failed);
    }

    public void Dispose() => _meter.Dispose();

    private void Counter(string name, string unit, string description, Func<long> value) => _meter.CreateObservableCounter(name, value, unit, description);
}
