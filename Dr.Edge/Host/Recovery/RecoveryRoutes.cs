using System.Text.Json;
using System.Threading.Channels;
using Dr.Edge.Cli;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Dr.Edge.Host.Recovery;

/// <summary>Tables of one database, for <c>table list</c>.</summary>
internal sealed record TableListing(IReadOnlyList<string> Tables, IReadOnlyList<RecoveryRecord> Recoveries);

/// <param name="Keep">Keep the clone under this name.</param>
internal sealed record RefreshRequest(string At, string? Keep);

/// <summary>Recovery of tables and refresh of points on the control socket. What the caller no longer waits for is cancelled, and taken back.</summary>
internal static class RecoveryRoutes
{
    public static void MapRecovery(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/systems/{id}/tables", async (string id, string? component, string? database, HostedSystems systems, TableRecovery recovery, CancellationToken cancellationToken) =>
            Results.Json(new TableListing(await TableRecovery.TablesAsync(systems.Get(id), component, database, cancellationToken), recovery.List(systems.Get(id))), ControlJson.Compact));
        routes.MapPost("/systems/{id}/tables/recover", (string id, RecoveryRequest request, HostedSystems systems, TableRecovery recovery, HttpContext context) =>
            StreamAsync(context, (progress, cancellationToken) => recovery.RecoverAsync(systems.Get(id), request, progress, cancellationToken)));
        routes.MapPost("/systems/{id}/tables/undo/{recovery}", (string id, string recovery, HostedSystems systems, TableRecovery tables, HttpContext context) =>
            StreamAsync(context, (progress, cancellationToken) => tables.UndoAsync(systems.Get(id), recovery, progress, cancellationToken)));
        routes.MapPost("/systems/{id}/refresh", (string id, RefreshRequest request, HostedSystems systems, PointRefresh refresh, HttpContext context) =>
            StreamAsync(context, (progress, cancellationToken) => refresh.RefreshAsync(systems.Get(id), request.At, request.Keep, progress, cancellationToken)));
        routes.MapGet("/systems/{id}/refreshed", (string id, HostedSystems systems, PointRefresh refresh) => Results.Json(refresh.List(systems.Get(id)), ControlJson.Compact));
    }

    /// <summary>Every step is a line; of how far one is, the newest at most ten times a second.</summary>
    private static async Task StreamAsync<T>(HttpContext context, Func<Action<ControlProgress>, CancellationToken, Task<T>> run)
    {
        context.Response.ContentType = "application/x-ndjson";
        await context.Response.StartAsync(context.RequestAborted);
        var lines = Channel.CreateUnbounded<ControlProgress>(); // As many as there are steps, and ten a second.
        var running = RunAsync(run, lines.Writer, context.RequestAborted);
        try
        {
            await foreach (var line in lines.Reader.ReadAllAsync(context.RequestAborted))
            {
                await JsonSerializer.SerializeAsync(context.Response.Body, line, ControlJson.Compact, context.RequestAborted);
                await context.Response.Body.WriteAsync("\n"u8.ToArray(), context.RequestAborted);
                await context.Response.Body.FlushAsync(context.RequestAborted);
            }
        }
        finally
        {
            await running; // Taken back before the request is over.
        }
    }

    private static async Task RunAsync<T>(Func<Action<ControlProgress>, CancellationToken, Task<T>> run, ChannelWriter<ControlProgress> lines, CancellationToken cancellationToken)
    {
        const long perLine = 100;
        var last = 0L;
        try
        {
            var result = await run(line =>
            {
                if (line.TotalBytes > 0 && Environment.TickCount64 - last < perLine)
                {
                    return;
                }

                last = line.TotalBytes > 0 ? Environment.TickCount64 : last;
                lines.TryWrite(line);
            }, cancellationToken);
            lines.TryWrite(new ControlProgress { Result = JsonSerializer.SerializeToElement(result, ControlJson.Compact) });
        }
        catch (DrException exception)
        {
            lines.TryWrite(new ControlProgress { Error = new ControlError(exception.Message, exception.Hint) });
        }
        catch (OperationCanceledException)
        {
            lines.TryWrite(new ControlProgress { Error = new ControlError("Cancelled; nothing of it is left.", null) });
        }
        finally
        {
            lines.Complete();
        }
    }
}
