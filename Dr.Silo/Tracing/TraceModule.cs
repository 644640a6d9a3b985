using System.Collections;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Dr.Silo.Tracing;

/// <summary>
/// Traces through OTLP, when the standard variables of OpenTelemetry name a collector: every request to the admin API, and every run with a span for each of its steps (<c>traces.md</c>). A collector that
/// cannot be reached costs nothing but its spans.
/// </summary>
internal static class TraceModule
{
    private const string Prefix = "OTEL_";
    private const string Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";
    private const string TracesEndpoint = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
    private const string DefaultName = "dr-silo";

    /// <summary>The variables of this process that are OpenTelemetry's.</summary>
    public static IReadOnlyDictionary<string, string?> OfThisProcess() => Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
        .Where(e => ((string)e.Key).StartsWith(Prefix, StringComparison.Ordinal)).ToDictionary(e => (string)e.Key, e => (string?)e.Value, StringComparer.Ordinal);

    /// <summary>True when traces are asked for and will be sent.</summary>
    /// <param name="variables">By the names that the specification gives them.</param>
    public static bool AddTraces(this IHostApplicationBuilder builder, IReadOnlyDictionary<string, string?> variables)
    {
        if (string.IsNullOrWhiteSpace(variables.GetValueOrDefault(Endpoint)) && string.IsNullOrWhiteSpace(variables.GetValueOrDefault(TracesEndpoint)))
        {
            return false;
        }

        // The SDK and its exporter read the configuration of their host, and this one's has nothing from the environment.
        builder.Configuration.AddInMemoryCollection(variables);
        builder.Services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService(DefaultName).AddEnvironmentVariableDetector())
            .WithTracing(tracing => tracing.AddSource(RunTraces.SourceName, RequestTraces.SourceName).AddOtlpExporter());
        return true;
    }
}
