using System.Net;
using System.Text.Json;
using Dr.Silo.WebConsole;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Dr.EndToEnd.Tests.WebConsole;

/// <summary>
/// The page on a web server of its own with views that the test sets: for states that a real silo reaches only after minutes or by bad luck, and for stopping
/// it and starting it again at the same address.
/// </summary>
internal sealed class StagedConsole : IConsoleData, IAsyncDisposable
{
    private WebApplication? _app;
    private readonly int _port = FreePorts.Next();

    public required Func<ConsoleSnapshot> Views { get; set; }

    /// <summary>Answers orders; what came is in <see cref="Orders"/>.</summary>
    public Func<HttpContext, Task> Answer { get; set; } = http =>
    {
        http.Response.StatusCode = StatusCodes.Status202Accepted;
        return http.Response.WriteAsync("{}");
    };

    public List<(string Path, string? IfMatch, string? Key, JsonElement Body)> Orders { get; } = [];

    public string Url => $"http://127.0.0.1:{_port}/";

    public Task<ConsoleSnapshot> ReadAsync(CancellationToken cancellationToken) => Task.FromResult(Views());

    public async Task StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, _port));
        builder.Services.AddSingleton<IConsoleData>(this);
        builder.Services.AddConsole();
        _app = builder.Build();
        _app.MapConsole();
        _app.MapGet("/api/v1/events", StreamAsync);
        _app.MapPost("/api/v1/{**path}", async (HttpContext http) =>
        {
            var body = await JsonDocument.ParseAsync(http.Request.Body);
            Orders.Add((http.Request.Path, http.Request.Headers.IfMatch, http.Request.Headers["Idempotency-Key"], body.RootElement));
            await Answer(http);
        });
        await _app.StartAsync();
    }

    public async Task StopAsync()
    {
        if (_app is { } app)
        {
            _app = null;
            await app.DisposeAsync();
        }
    }

    public async ValueTask DisposeAsync() => await StopAsync();

    private static async Task StreamAsync(HttpContext http, Microsoft.Extensions.Hosting.IHostApplicationLifetime lifetime)
    {
        http.Response.ContentType = "text/event-stream";
        await http.Response.WriteAsync(": here\n\n");
        await http.Response.Body.FlushAsync();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, lifetime.ApplicationStopping);
        await Task.Delay(Timeout.Infinite, either.Token).ContinueWith(_ => { }, TaskScheduler.Default);
    }
}
