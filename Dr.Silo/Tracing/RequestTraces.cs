using System.Diagnostics;
using Dr.Silo.Access;

namespace Dr.Silo.Tracing;

/// <summary>Says of the span that the web server makes for each request what it was about; of requests that are not the admin API's (console, metrics, health) none is kept.</summary>
internal static class RequestTraces
{
    /// <summary>The web server's own; it takes up a caller's <c>traceparent</c>.</summary>
    public const string SourceName = "Microsoft.AspNetCore";

    private const string Api = "/api";

    /// <summary>To come before whoever answers errors, so that the status is the one that the caller gets.</summary>
    public static void UseRequestTraces(this WebApplication app) => app.Use(async (http, next) =>
    {
        if (Activity.Current is not { IsAllDataRequested: true } span)
        {
            await next();
            return;
        }

        if (!http.Request.Path.StartsWithSegments(Api, StringComparison.OrdinalIgnoreCase))
        {
            span.ActivityTraceFlags &= ~ActivityTraceFlags.Recorded;
            span.IsAllDataRequested = false;
            await next();
            return;
        }

        // What was thrown is answered after the route is forgotten.
        var endpoint = http.GetEndpoint();
        await next();
        var route = (endpoint as RouteEndpoint)?.RoutePattern.RawText;
        span.DisplayName = route is null ? http.Request.Method : $"{http.Request.Method} {route}";
        span.SetTag("http.request.method", http.Request.Method).SetTag("http.route", route).SetTag("url.path", http.Request.Path.Value).SetTag("http.response.status_code", http.Response.StatusCode)
            .SetTag("dr.operation", endpoint?.Metadata.GetMetadata<IEndpointNameMetadata>()?.EndpointName).SetTag("dr.actor", Caller.Of(http.User)?.Name);
        if (http.Response.StatusCode >= StatusCodes.Status500InternalServerError)
        {
            span.SetStatus(ActivityStatusCode.Error);
        }
    });
}
