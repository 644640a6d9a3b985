using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Cli;

/// <summary>Server side of the control socket: errors as <see cref="ControlError"/>, long operations as lines of <see cref="ControlProgress"/>.</summary>
internal static partial class ControlRoutes
{
    /// <summary>Undoes what <see cref="ControlPath"/> did to names, and turns what routes throw into answers; first in the pipeline.</summary>
    public static void UseControlErrors(this WebApplication app) => app.Use(async (context, next) =>
    {
        try
        {
            foreach (var (key, value) in context.Request.RouteValues.ToArray())
            {
                context.Request.RouteValues[key] = value is string text ? ControlPath.Undo(text) : value;
            }

            await next(context);
        }
        catch (Exception exception) when (exception is not OperationCanceledException && !context.Response.HasStarted)
        {
            var error = Describe(exception, app.Logger);
            context.Response.StatusCode = exception is DrException ? StatusCodes.Status409Conflict
                : exception is BadHttpRequestException ? StatusCodes.Status400BadRequest : StatusCodes.Status500InternalServerError;
            await context.Response.WriteAsJsonAsync(error, ControlJson.Compact);
        }
    });

    /// <summary>
    /// Runs <paramref name="work"/> on its own thread and streams its progress (at most ten lines a second), then its result or error. Work that
    /// the client no longer waits for is cancelled.
    /// </summary>
    public static async Task StreamAsync<T>(HttpContext context, ILogger logger, Func<Action<ControlProgress>, CancellationToken, T> work)
    {
        context.Response.ContentType = "application/x-ndjson";
        await context.Response.StartAsync(context.RequestAborted);
        ControlProgress? latest = null;
        var running = Task.Factory.StartNew(
            () => work(p => Volatile.Write(ref latest, p), context.RequestAborted), context.RequestAborted, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        while (await Task.WhenAny(running, Task.Delay(100, context.RequestAborted)) != running && !context.RequestAborted.IsCancellationRequested)
        {
            if (Interlocked.Exchange(ref latest, null) is { } progress)
            {
                await WriteLineAsync(context, progress);
            }
        }

        ControlProgress last;
        try
        {
            // Also when nobody listens any more: the work may have to be taken back, and how that ends belongs in the log.
            last = new ControlProgress { Result = JsonSerializer.SerializeToElement(await running, ControlJson.Compact) };
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            last = new ControlProgress { Error = Describe(exception, logger) };
        }

        await WriteLineAsync(context, last);
    }

    private static async Task WriteLineAsync(HttpContext context, ControlProgress line)
    {
        await JsonSerializer.SerializeAsync(context.Response.Body, line, ControlJson.Compact, context.RequestAborted);
        await context.Response.Body.WriteAsync("\n"u8.ToArray(), context.RequestAborted);
        await context.Response.Body.FlushAsync(context.RequestAborted);
    }

    private static ControlError Describe(Exception exception, ILogger logger)
    {
        if (exception is DrException known)
        {
            return new ControlError(known.Message, known.Hint);
        }

        if (exception is BadHttpRequestException)
        {
            return new ControlError(exception.Message, null);
        }

        LogUnexpected(logger, exception);
        return new ControlError($"Internal error: {exception.Message}", "The log of dr-edge has the details.");
    }

    [LoggerMessage(1001, LogLevel.Error, "A control request failed unexpectedly")]
    private static partial void LogUnexpected(ILogger logger, Exception exception);
}
