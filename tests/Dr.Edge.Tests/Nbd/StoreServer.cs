using Dr.Edge.Nbd;
using Dr.Edge.Nbd.Tls;
using Dr.Edge.Volumes;

namespace Dr.Edge.Tests.Nbd;

/// <summary>A server in front of a real store in a directory of its own, with one volume named "volume".</summary>
internal sealed class StoreServer : IAsyncDisposable
{
    private readonly NbdLimits _limits;
    private readonly NbdTlsConfig? _tls;

    private StoreServer(string folder, VolumeSet store, NbdTestServer server, NbdLimits limits, NbdTlsConfig? tls) => (Folder, Store, Server, _limits, _tls) = (folder, store, server, limits, tls);

    public string Folder { get; }

    public VolumeSet Store { get; private set; }

    public NbdTestServer Server { get; private set; }

    public Volume Volume => Store.Get("volume");

    public string Uri(string export) => $"nbd+unix:///{export}?socket={Server.SocketPath}";

    public static async Task<StoreServer> StartAsync(long sizeBytes = 64L * 1024 * 1024, NbdLimits? limits = null, NbdTlsConfig? tls = null)
    {
        var folder = Directory.CreateTempSubdirectory("dr-nbd-store-").FullName;
        var store = VolumeSet.Open(folder, TimeProvider.System);
        store.Create("volume", sizeBytes);
        limits ??= new NbdLimits();
        return new StoreServer(folder, store, await NbdTestServer.StartAsync(store, limits, tls), limits, tls);
    }

    /// <summary>Stops server and store in order and opens both again.</summary>
    public async Task RestartAsync()
    {
        await Server.DisposeAsync();
        Store.Dispose();
        Store = VolumeSet.Open(Folder, TimeProvider.System);
        Server = await NbdTestServer.StartAsync(Store, _limits, _tls);
    }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        Store.Dispose();
        Directory.Delete(Folder, recursive: true);
    }
}
