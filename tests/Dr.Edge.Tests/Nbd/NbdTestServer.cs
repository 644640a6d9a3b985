using System.Net;
using Dr.Edge.Nbd;
using Dr.Edge.Nbd.Tls;
using Dr.Edge.Volumes;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dr.Edge.Tests.Nbd;

/// <summary>A real server on a free loopback port and a Unix socket in a directory of its own, with one 1 MiB volume named "volume" unless told otherwise.</summary>
internal sealed class NbdTestServer : IAsyncDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("dr-nbd-").FullName;

    private NbdTestServer(IExportCatalog? store, MemoryDevice device, NbdLimits limits, TimeProvider time, ILogger<NbdServer>? logger, NbdTlsConfig? tls)
    {
        Device = device;
        Catalog.Add("volume", device);
        SocketPath = Path.Combine(_directory, "nbd.sock");
        Server = new NbdServer(store ?? Catalog, new NbdConfig { Listen = "127.0.0.1:0", Socket = SocketPath, Tls = tls ?? new NbdTlsConfig() }, limits, time, logger ?? NullLogger<NbdServer>.Instance);
    }

    public MemoryCatalog Catalog { get; } = new();

    public MemoryDevice Device { get; }

    public NbdServer Server { get; }

    public string SocketPath { get; }

    public IPEndPoint Tcp => (IPEndPoint)Server.EndPoints[0];

    public string Uri => $"nbd+unix:///volume?socket={SocketPath}";

    public string TcpUri => $"nbd://{Tcp}/volume";

    public string Scratch(string name) => Path.Combine(_directory, name);

    public static Task<NbdTestServer> StartAsync(
        MemoryDevice? device = null, NbdLimits? limits = null, TimeProvider? time = null, ILogger<NbdServer>? logger = null, NbdTlsConfig? tls = null) =>
        StartAsync(store: null, device, limits, time, logger, tls);

    /// <summary>The same server in front of a real store.</summary>
    public static Task<NbdTestServer> StartAsync(IExportCatalog store, NbdLimits? limits = null, NbdTlsConfig? tls = null) =>
        StartAsync(store, device: null, limits, time: null, logger: null, tls);

    private static async Task<NbdTestServer> StartAsync(
        IExportCatalog? store, MemoryDevice? device, NbdLimits? limits, TimeProvider? time, ILogger<NbdServer>? logger, NbdTlsConfig? tls)
    {
        var server = new NbdTestServer(store, device ?? new MemoryDevice(1024 * 1024), limits ?? new NbdLimits(), time ?? TimeProvider.System, logger, tls);
        try
        {
            await server.Server.StartAsync(CancellationToken.None);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    public ScriptedClient Connect(bool unix = true) => unix ? ScriptedClient.ConnectUnix(SocketPath) : ScriptedClient.ConnectTcp(Tcp);

    /// <summary>A client that is through the handshake.</summary>
    public ScriptedClient Attach(string export = "volume", bool structured = false, bool unix = true)
    {
        var client = Connect(unix);
        client.Greet();
        if (structured)
        {
            client.AgreeStructuredReplies();
        }

        client.Go(export);
        return client;
    }

    public async ValueTask DisposeAsync()
    {
        await Server.StopAsync(CancellationToken.None);
        Server.Dispose();
        Directory.Delete(_directory, recursive: true);
    }
}
