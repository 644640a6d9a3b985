using System.Text.Json;
using Dr.Silo.Storage;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;

namespace Dr.Silo.Api;

/// <summary><c>events</c> as server-sent events (resumable by Last-Event-ID) or as a page of JSON, and <c>audit</c>.</summary>
internal static class EventEndpoints
{
    private const int PageMax = 500;

    // Below the shortest idle limit that proxies commonly have (60 s), and the pace at which a page notices a dead stream.
    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(10);

    // Appends of this silo wake the reader at once; those of other silos are found by looking.
    private static readonly TimeSpan OtherSilosPace = TimeSpan.FromSeconds(1);

    public static void MapEvents(this RouteGroupBuilder api)
    {
        api.MapGet("/events", StreamAsync).WithName("StreamEvents").WithTags("Events")
            .WithSummary("Server-sent events; id = event id, so that Last-Event-ID (or ?after=) resumes. With Accept: application/json one page.");
        api.MapGet("/audit", async (long? after, int? limit, string? subject, AuditLog audit, CancellationToken cancellationToken) =>
            TypedResults.Ok(await audit.ReadAsync(after ?? 0, Math.Clamp(limit ?? 100, 1, PageMax), subject, cancellationToken)))
            .WithName("ListAudit").WithTags("Audit").WithSummary("Append-only, chained by hash; ?after=SEQUENCE&limit=1..500&subject=ID.");
    }

    private static async Task<IResult> StreamAsync(
        HttpContext http, long? after, int? limit, [FromHeader(Name = "Last-Event-ID")] string? lastEventId, EventLog feed, IOptions<Microsoft.AspNetCore.Http.Json.JsonOptions> json, TimeProvider time, IHostApplicationLifetime lifetime)
    {
        if (http.Request.Headers.Accept.Any(a => a?.Contains("application/json", StringComparison.OrdinalIgnoreCase) == true))
        {
            return TypedResults.Ok(await feed.ReadAsync(after ?? 0, Math.Clamp(limit ?? 100, 1, PageMax), http.RequestAborted));
        }

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, lifetime.ApplicationStopping);
        var seen = long.TryParse(lastEventId, NumberStyles.None, CultureInfo.InvariantCulture, out var last) ? last
            : after ?? await feed.LastIdAsync(stop.Token);
        http.Response.ContentType = "text/event-stream";
        http.Response.Headers.CacheControl = "no-store";
        try
        {
            await http.Response.WriteAsync("retry: 1000\n: connected\n\n", stop.Token);
            var spoke = time.GetTimestamp();
            while (!stop.IsCancellationRequested)
            {
                var next = feed.NextAppend; // Taken before reading, so that nothing falls between the two.
                foreach (var record in await feed.ReadAsync(seen, PageMax, stop.Token))
                {
                    await http.Response.WriteAsync($"id: {record.Id}\ndata: {JsonSerializer.Serialize(record, json.Value.SerializerOptions)}\n\n", stop.Token);
                    seen = record.Id;
                    spoke = time.GetTimestamp();
                }

                if (time.GetElapsedTime(spoke) >= KeepAlive)
                {
                    await http.Response.WriteAsync(": alive\n\n", stop.Token);
                    spoke = time.GetTimestamp();
                }

                await http.Response.Body.FlushAsync(stop.Token);
                await Task.WhenAny(next, Task.Delay(OtherSilosPace, time, stop.Token));
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The reader left, or the silo stops: it resumes by its last id.
        }

        return TypedResults.Empty;
    }
}
