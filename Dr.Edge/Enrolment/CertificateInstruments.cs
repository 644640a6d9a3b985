using System.Diagnostics.Metrics;
using Dr.Edge.Hosting.Metrics;

namespace Dr.Edge.Enrolment;

/// <summary>What is measured of the device's certificate. Names: <c>Hosting/Metrics/metrics.md</c>.</summary>
internal sealed class CertificateInstruments : IDisposable
{
    private readonly Meter _meter = new(MetricsModule.MeterPrefix + "Enrolment");

    public CertificateInstruments(CertificateState state)
    {
        _meter.CreateObservableGauge("dr.certificate.left", () => Of(state, state.Left?.TotalSeconds ?? 0), "s", "Until the certificate ends; negative after it.");
        _meter.CreateObservableGauge("dr.certificate.failures", () => Of(state, state.Failures), "{attempt}", "Attempts to renew that failed since the last that did not.");
    }

    public void Dispose() => _meter.Dispose();

    private static IEnumerable<Measurement<double>> Of(CertificateState state, double value) => state.EndsAt is null ? [] : [new Measurement<double>(value)];
}
