using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Dr.Contracts.Ids;
using Dr.Silo.Access;
using Dr.Silo.Hosting;
using Dr.Silo.Tests.Support;
using Microsoft.AspNetCore.Builder;

namespace Dr.Silo.Tests.Api;

/// <summary>The whole silo as <c>dr-silo run</c> composes it, on SQLite with its embedded broker; no device is there.</summary>
public class ApiFixture : IAsyncLifetime
{
    private readonly TempDirectory _directory = new();
    private readonly ScriptedWorld _settings = new();
    private WebApplication? _app;

    public HttpClient Http { get; } = new() { Timeout = TimeSpan.FromSeconds(60) };

    public IServiceProvider Services => _app!.Services;

    public WebApplication App => _app!;

    /// <summary>How callers are told apart; nothing said = as <c>dr-silo run</c> without options.</summary>
    private protected virtual AccessOptions Access => new();

    /// <summary>What the sites can carry; nothing said = everything.</summary>
    private protected virtual IReadOnlyDictionary<SiteId, double> Capacities => new Dictionary<SiteId, double>();

    /// <summary>Variables of OpenTelemetry; nothing said = no traces.</summary>
    private protected virtual IReadOnlyDictionary<string, string?> Tracing => new Dictionary<string, string?>();

    protected string Directory => _directory.Path;

    public async ValueTask InitializeAsync()
    {
        var http = FreePorts.Next();
        var plan = new SiloPlan
        {
            Sites = [new SiteId("production"), new SiteId("backup")],
            Devices = _settings.Devices,
            Systems = [TestSilo.Settings(_settings)],
            Capacities = Capacities,
        };
        _app = await SiloApp.BuildAsync(
            new SiloOptions
            {
                DataDirectory = _directory.Path,
                Http = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{http}"),
                Access = Access,
                Tracing = Tracing,
                MqttListen = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{FreePorts.Next()}"),
            },
            plan,
            CancellationToken.None);
        await _app.StartAsync();
        Http.BaseAddress = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{http}"));
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        if (_app is not null)
        {
            await _app.StopAsync();
            await _app.DisposeAsync();
        }

        await _settings.DisposeAsync();
        _directory.Dispose();
        GC.SuppressFinalize(this);
    }
}
