using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Dr.Contracts.Errors;
using Dr.Edge.Hosting;
using Dr.Edge.Hosting.Metrics;
using Dr.Edge.Tests.Volumes;
using Dr.Edge.Volumes;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Dr.Edge.Tests.Hosting;

public sealed class MetricsTests : IAsyncLifetime
{
    private readonly string _directory = Directory.CreateTempSubdirectory("dr-metrics-").FullName;
    private readonly Dictionary<string, (string Unit, bool IsCounter)> _instruments = [];
    private readonly MeterListener _listener = new();
    private WebApplication _edge = null!;
    private readonly int _port = FreePorts.Next();

    public async ValueTask InitializeAsync()
    {
        _listener.InstrumentPublished = (instrument, _) =>
        {
            if (instrument.Meter.Name.StartsWith(MetricsModule.MeterPrefix, StringComparison.Ordinal))
            {
                lock (_instruments)
                {
                    _instruments[instrument.Name] = (instrument.Unit ?? "", instrument.GetType().Name.Contains("Counter", StringComparison.Ordinal));
                }
            }
        };
        _listener.Start();

        // Some of its instruments come with the first flush or point of a process, which may be this test's or not.
        RuntimeHelpers.RunClassConstructor(typeof(VolumeInstruments).TypeHandle);
        _edge = EdgeApp.Build(new EdgeConfig { Data = _directory, Metrics = { Listen = $"127.0.0.1:{_port}" } });
        await _edge.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _edge.StopAsync();
        await _edge.DisposeAsync();
        _listener.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task The_page_names_every_instrument_and_no_other()
    {
        var page = await File.ReadAllTextAsync(Path.Combine(SourceFolder(), "metrics.md"), TestContext.Current.CancellationToken);
        var rows = page.Split('\n').Where(line => line.StartsWith("| `dr.", StringComparison.Ordinal)).Select(line => line.Split('|')).ToList();
        var named = rows.ToDictionary(cells => cells[1].Trim(' ', '`'), cells => (cells[2].Trim(), cells[3].Trim().StartsWith("counter:", StringComparison.Ordinal)));
        lock (_instruments)
        {
            named.Keys.Order(StringComparer.Ordinal).ShouldBe(_instruments.Keys.Order(StringComparer.Ordinal));
            foreach (var (name, written) in named)
            {
                written.ShouldBe(_instruments[name], name);
            }
        }
    }

    [Fact]
    public async Task Measurements_are_served_over_the_control_socket_and_tcp_and_nothing_else_over_tcp()
    {
        var volume = _edge.Services.GetRequiredService<VolumeSet>().Create("vol", 1 << 20);
        StoreFixture.Write(volume, 0, new byte[8192], fua: true);
        volume.CreatePoint(null, Dr.Contracts.Mqtt.PointConsistency.Crash, null);
        using var tcp = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{_port}") };
        var text = await tcp.GetStringAsync("/metrics", TestContext.Current.CancellationToken);
        text.ShouldContain("dr_volume_written_bytes_total{otel_scope_name=\"Dr.Edge.Volumes\",volume=\"vol\"} 8192");
        text.ShouldContain("dr_volume_flush_duration_seconds_count");
        text.ShouldContain("dr_volume_point_pause_seconds_bucket{otel_scope_name=\"Dr.Edge.Volumes\",volume=\"vol\",le=\"0.01\"} ", customMessage: "the bound that is promised");
        text.ShouldContain("dr_volume_point_pause_seconds_count{otel_scope_name=\"Dr.Edge.Volumes\",volume=\"vol\"} 1");
        text.ShouldContain("dr_volume_point_duration_seconds_count{otel_scope_name=\"Dr.Edge.Volumes\",volume=\"vol\"} 1");
        text.ShouldContain("dr_disk_available_bytes");
        text.ShouldContain("dr_nbd_connections");
        (await tcp.GetAsync("/volumes", TestContext.Current.CancellationToken)).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        using var socket = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellationToken) =>
            {
                var unix = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await unix.ConnectAsync(new UnixDomainSocketEndPoint(Path.Combine(_directory, "control.sock")), cancellationToken);
                return new NetworkStream(unix, ownsSocket: true);
            },
        });
        (await socket.GetStringAsync("http://dr-edge/metrics", TestContext.Current.CancellationToken)).ShouldContain("dr_volume_size_bytes");
        (await socket.GetAsync("http://dr-edge/volumes", TestContext.Current.CancellationToken)).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("0.0.0.0:9464")]
    [InlineData("192.168.1.1:9464")]
    [InlineData("nonsense")]
    public void Only_a_loopback_address_is_taken(string address) => Should.Throw<DrException>(() => new MetricsConfig { Listen = address }.EndPointOrNone);

    private static string SourceFolder([CallerFilePath] string file = "") =>
        Path.Combine(Path.GetDirectoryName(file)!, "..", "..", "..", "Dr.Edge", "Hosting", "Metrics");
}
