using System.Net;
using Dr.Edge.Buffers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Kiosk;

/// <summary>The transactions' endpoint on loopback: a small server of its own, so that the kiosk's software never sees the control socket's routes.</summary>
internal sealed class KioskListener(KioskConfig config, IOutbox outbox, TimeProvider time, ILoggerFactory loggers, KioskStatus? status = null) : IHostedService, IAsyncDisposable
{
    private WebApplication? _app;

    /// <summary>Where it listens; set once started.</summary>
    public IPEndPoint? EndPoint { get; private set; }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (config.Listen is not { } text)
        {
            return;
        }

        if (!IPEndPoint.TryParse(text, out var endPoint) || !IPAddress.IsLoopback(endPoint.Address))
        {
            throw new DrException($"'{text}' is not a loopback address for kiosk.listen.", "Write it as 127.0.0.1:PORT: this endpoint has no sign-in of its own.");
        }

        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton(loggers);
        builder.Services.AddRoutingCore();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(endPoint);
        });
        _app = builder.Build();
        _app.UseRouting();
        _app.MapTransactions(outbox, time, status);
        if (status is not null)
        {
            _app.MapStatus(status);
        }

        await _app.StartAsync(cancellationToken);
        var address = _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        EndPoint = new IPEndPoint(endPoint.Address, new Uri(address).Port);
    }

    public Task StopAsync(CancellationToken cancellationToken) => _app?.StopAsync(cancellationToken) ?? Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
        {
            await _app.DisposeAsync();
        }
    }
}
