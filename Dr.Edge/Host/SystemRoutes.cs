using System.Text.Json;
using System.Threading.Channels;
using Dr.Edge.Cli;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Hosting;

namespace Dr.Edge.Host;

/// <summary>One line of <c>system list</c>.</summary>
/// <param name="Volume">What it works on; a clone when one was chosen in place of its volume.</param>
internal sealed record SystemListing(string Id, string? Volume, string? Mount, Epoch Epoch, SystemHealth Health);

/// <summary>The host role on the control socket.</summary>
internal static class SystemRoutes
{
    public static IEndpointRouteBuilder MapSystems(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/systems", (HostedSystems systems) =>
            Results.Json(systems.All.Select(s => new SystemListing(s.System.Id, s.CurrentVolume, s.System.Mount, systems.Known(s), s.Health)), ControlJson.Compact));
        Operation(routes, "start", (session, epoch, on, progress, cancellationToken) => session.StartAsync(epoch, on, progress, cancellationToken));
        Operation(routes, "stop", (session, epoch, _, progress, cancellationToken) => session.StopAsync(epoch, progress, cancellationToken));
        Operation(routes, "prepare", (session, epoch, _, progress, cancellationToken) => session.PrepareAsync(epoch, progress, cancellationToken));
        Operation(routes, "check", (session, _, _, progress, cancellationToken) => session.CheckAsync(progress, cancellationToken));
        Operation(routes, "network/here", (session, epoch, _, progress, cancellationToken) => session.ApplyNetworkAsync(true, epoch, progress, cancellationToken));
        Operation(routes, "network/away", (session, epoch, _, progress, cancellationToken) => session.ApplyNetworkAsync(false, epoch, progress, cancellationToken));
        return routes;
    }

    /// <summary>Every step is a line of the answer. The operation goes on when the caller goes away: half a start is worse than a whole one, and a repeated call finds it done.</summary>
    private static void Operation(IEndpointRouteBuilder routes, string name, Func<HostedSystemSession, Epoch, string?, Action<string>, CancellationToken, Task<HostReport>> run) =>
        routes.MapPost($"/systems/{{id}}/{name}", async (string id, long? epoch, string? on, HostedSystems systems, HttpContext context, IHostApplicationLifetime lifetime) =>
        {
            var session = systems.Get(id);
            context.Response.ContentType = "application/x-ndjson";
            var lines = Channel.CreateUnbounded<ControlProgress>(); // As many as a plan has steps.
            var running = RunAsync(progress => run(session, epoch is { } given ? new Epoch(given) : systems.Known(session), on, progress, lifetime.ApplicationStopping), lines.Writer);
            await foreach (var line in lines.Reader.ReadAllAsync(context.RequestAborted))
            {
                await JsonSerializer.SerializeAsync(context.Response.Body, line, ControlJson.Compact, context.RequestAborted);
                await context.Response.Body.WriteAsync("\n"u8.ToArray(), context.RequestAborted);
                await context.Response.Body.FlushAsync(context.RequestAborted);
            }

            await running;
        });

    private static async Task RunAsync(Func<Action<string>, Task<HostReport>> run, ChannelWriter<ControlProgress> lines)
    {
        try
        {
            var report = await run(step => lines.TryWrite(new ControlProgress { Step = step }));
            lines.TryWrite(new ControlProgress { Result = JsonSerializer.SerializeToElement(report, ControlJson.Compact) });
        }
        catch (DrException exception)
        {
            lines.TryWrite(new ControlProgress { Error = new ControlError(exception.Message, exception.Hint) });
        }
        catch (OperationCanceledException)
        {
            lines.TryWrite(new ControlProgress { Error = new ControlError("dr-edge is stopping; the operation was cut off.", "Repeat it when dr-edge runs again: it goes on from there.") });
        }
        finally
        {
            lines.Complete();
        }
    }
}
