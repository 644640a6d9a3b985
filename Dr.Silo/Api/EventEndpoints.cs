using System.Text.Json;
using Dr.Contracts.Grains;
using Dr.Silo.Access;
using Dr.Silo.Storage;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;

namespace Dr.Silo.Api;

/// <summary><c>events</c> as server-sent events (resumable by Last-Event-ID) or as a page of JSON, and <c>audit</c>.</summary>
internal static class EventEndpoints
{
    // Below the shortest idle limit that proxies commonly have (60 s), and the pace at which a page notices a dead stream.
    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(10);

    // Appends of this silo wake the reader at once; those of other silos are found by looking.
    private static readonly TimeSpan OtherSilosPace = TimeSpan.FromSeconds(1);

    private static int _streams;

    public static void MapEvents(this RouteGroupBuilder api)
    {
        api.MapGet("/events", StreamAsync).Shows<IReadOnlyList<EventRecord>>(
                "StreamEvents", "Events", "Server-sent events; id = event id, so that Last-Event-ID (or ?after=) resumes. With Accept: application/json one page. ?subject= ?kind= ?severity=warning|critical ?limit=1..500.")
            .Refuses(429);
        api.MapGet("/audit", AuditAsync).Shows<IReadOnlyList<AuditRecord>>(
            "ListAudit", "Audit", "Append-only, chained by hash, oldest first. ?after=SEQUENCE ?subject= ?actor= ?action= ?since=TIME ?until=TIME ?limit=1..500.");
        api.MapGet("/audit/verify", async (AuditLog audit, CancellationToken cancellationToken) =>
            TypedResults.Ok(await audit.FirstBrokenAsync(cancellationToken) is { } broken
                ? new AuditVerdict(false, broken, $"Entry {broken} does not fit the chain: it, or one before it, was changed or removed.")
                : new AuditVerdict(true, null, "Every entry fits the chain.")))
            .Shows<AuditVerdict>("VerifyAudit", "Audit", "Reads the whole chain and says whether every entry fits.", Role.Operator);
    }

    private static async Task<IResult> AuditAsync(
        HttpContext http, long? after, int? limit, string? subject, string? actor, string? action, DateTimeOffset? since, DateTimeOffset? until, AuditLog audit, CancellationToken cancellationToken)
    {
        var size = limit is null ? 100 : Paging.Limit(limit);
        var filter = new AuditFilterBy { Subject = subject, Actor = actor, Action = action, Since = since, Until = until };
        return TypedResults.Ok(Paging.Page(http, await audit.ReadAsync(after ?? 0, size + 1, filter, cancellationToken), size, entry => entry.Sequence.ToString(CultureInfo.InvariantCulture)));
    }

    private static async Task<IResult> StreamAsync(
        HttpContext http,
        long? after,
        int? limit,
        string? subject,
        string? kind,
        string? severity,
        [FromHeader(Name = "Last-Event-ID")] string? lastEventId,
        EventLog feed,
        IOptions<Microsoft.AspNetCore.Http.Json.JsonOptions> json,
        TimeProvider time,
        IHostApplicationLifetime lifetime)
    {
        Severity? least = null;
        if (severity is not null)
        {
            if (!Enum.TryParse<Severity>(severity, ignoreCase: true, out var parsed) || !Enum.IsDefined(parsed))
            {
                return ApiProblem.BadRequest($"'{severity}' is not a severity.", $"severity takes one of {string.Join(", ", Enum.GetNames<Severity>())}.", "Mend the filter.");
            }

            least = parsed;
        }

        var filter = new EventFilter(subject, kind, least);
        if (http.Request.Headers.Accept.Any(a => a?.Contains("application/json", StringComparison.OrdinalIgnoreCase) == true))
        {
            var size = limit is null ? 100 : Paging.Limit(limit);
            return TypedResults.Ok(Paging.Page(http, await feed.ReadAsync(after ?? 0, size + 1, filter, http.RequestAborted), size, e => e.Id.ToString(CultureInfo.InvariantCulture)));
        }

        if (Interlocked.Increment(ref _streams) > ApiLimits.StreamsMax)
        {
            Interlocked.Decrement(ref _streams);
            return ApiProblem.Refused(StatusCodes.Status429TooManyRequests, "Too many event streams are open.", $"This silo serves {ApiLimits.StreamsMax} at once.", "Close pages that nobody looks at, or ask for pages of JSON.");
        }

        try
        {
            await SendAsync(http, after, lastEventId, filter, feed, json.Value.SerializerOptions, time, lifetime);
            return TypedResults.Empty;
        }
        finally
        {
            Interlocked.Decrement(ref _streams);
        }
    }

    private static async Task SendAsync(
        HttpContext http, long? after, string? lastEventId, EventFilter filter, EventLog feed, JsonSerializerOptions json, TimeProvider time, IHostApplicationLifetime lifetime)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, lifetime.ApplicationStopping);
        try
        {
            var seen = long.TryParse(lastEventId, NumberStyles.None, CultureInfo.InvariantCulture, out var last) ? last
                : after ?? await feed.LastIdAsync(stop.Token);
            http.Response.ContentType = "text/event-stream";
            http.Response.Headers.CacheControl = "no-store";
            await http.Response.WriteAsync("retry: 1000\n: connected\n\n", stop.Token);
            var spoke = time.GetTimestamp();
            while (!stop.IsCancellationRequested)
            {
                var next = feed.NextAppend; // Taken before reading, so that nothing falls between the two.
                foreach (var record in await feed.ReadAsync(seen, ApiLimits.PageMax, filter, stop.Token))
                {
                    await http.Response.WriteAsync($"id: {record.Id}\ndata: {JsonSerializer.Serialize(record, json)}\n\n", stop.Token);
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
    }
}

/// <param name="FirstBroken">Sequence of the first entry that does not fit; null when all do.</param>
internal sealed record AuditVerdict(bool Whole, long? FirstBroken, string Text);
