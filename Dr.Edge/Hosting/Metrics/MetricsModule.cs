using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Metrics;

namespace Dr.Edge.Hosting.Metrics;

/// <summary>
/// Serves what every part measures as Prometheus text on <c>/metrics</c>. A part that measures has a <c>…Instruments</c> class with a meter whose name begins with <see cref="MeterPrefix"/>, and a line in
/// <c>metrics.md</c> for each instrument; nothing is to be registered here.
/// </summary>
internal static class MetricsModule
{
    public const string MeterPrefix = "Dr.Edge.";
    private const string Path = "/metrics";

    // Times of flushes: 50 µs is a disk with a cache that survives power cuts, 2.5 s one that is failing.
    private static readonly double[] FlushBoundariesSeconds = [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

    // Writers wait for a few assignments; 10 ms is what a point may cost a write at most.
    private static readonly double[] PauseBoundariesSeconds = [0.000001, 0.0000025, 0.000005, 0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025];

    public static void AddEdgeMetrics(this IServiceCollection services) => services.AddOpenTelemetry().WithMetrics(metrics => metrics
        .AddMeter(MeterPrefix + "*")
        .AddView("*.duration", new ExplicitBucketHistogramConfiguration { Boundaries = FlushBoundariesSeconds })
        .AddView("*.pause", new ExplicitBucketHistogramConfiguration { Boundaries = PauseBoundariesSeconds })
        .AddPrometheusExporter());

    public static void ListenForMetrics(this KestrelServerOptions kestrel, EdgeConfig config)
    {
        if (config.Metrics.EndPointOrNone is { } endPoint)
        {
            kestrel.Listen(endPoint, listen => listen.Protocols = HttpProtocols.Http1);
        }
    }

    /// <summary>First in the pipeline: over TCP nothing but the measurements can be reached.</summary>
    public static void UseMetrics(this WebApplication app)
    {
        app.Use((context, next) =>
        {
            // Unix sockets have no address.
            if (context.Connection.LocalIpAddress is not null && context.Request.Path != Path)
            {
                context.Response.StatusCode = StatusCodes.Status404NotFound;
                return Task.CompletedTask;
            }

            return next(context);
        });
        app.UseOpenTelemetryPrometheusScrapingEndpoint(Path);
    }
}
