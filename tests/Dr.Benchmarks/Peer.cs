namespace Dr.Benchmarks;

/// <summary>A server under test. Each run gets a fresh one with a fresh, empty volume in a directory of its own.</summary>
internal abstract record Peer(string Name)
{
    /// <summary>Starts serving a volume of <paramref name="sizeBytes"/> from <paramref name="directory"/> on the Unix socket <paramref name="socket"/>.</summary>
    public abstract Task<ChildProcess> StartAsync(string directory, string socket, long sizeBytes, CancellationToken cancellationToken);

    public virtual string Uri(string socket) => $"nbd+unix:///?socket={socket}";

    protected static string CreateImage(string directory, long sizeBytes)
    {
        var path = Path.Combine(directory, "image.raw");
        using var image = File.Create(path);
        image.SetLength(sizeBytes);
        return path;
    }

    protected static async Task WaitForAsync(ChildProcess server, string path, CancellationToken cancellationToken)
    {
        while (!File.Exists(path))
        {
            if (server.HasExited)
            {
                throw new BenchException($"A server ended before it listened: {(await server.ErrorAsync()).Trim()}");
            }

            await Task.Delay(20, cancellationToken);
        }
    }
}

internal sealed record NbdkitPeer() : Peer("nbdkit-file")
{
    public override async Task<ChildProcess> StartAsync(string directory, string socket, long sizeBytes, CancellationToken cancellationToken)
    {
        var server = ChildProcess.Start("nbdkit", ["--foreground", "--exit-with-parent", "--unix", socket, "file", CreateImage(directory, sizeBytes)]);
        await WaitForAsync(server, socket, cancellationToken);
        return server;
    }
}

internal sealed record QemuNbdPeer() : Peer("qemu-nbd-raw")
{
    public override async Task<ChildProcess> StartAsync(string directory, string socket, long sizeBytes, CancellationToken cancellationToken)
    {
        var server = ChildProcess.Start(
            "qemu-nbd", ["--persistent", "--shared=16", "--format=raw", "--cache=writeback", "--discard=unmap", $"--socket={socket}", CreateImage(directory, sizeBytes)]);
        await WaitForAsync(server, socket, cancellationToken);
        return server;
    }
}

internal sealed record EdgePeer(string Program) : Peer(PeerName)
{
    public const string PeerName = "dr-edge";

    private const string Volume = "bench";

    public override string Uri(string socket) => $"nbd+unix:///{Volume}?socket={socket}";

    public override async Task<ChildProcess> StartAsync(string directory, string socket, long sizeBytes, CancellationToken cancellationToken)
    {
        var control = socket + ".control";
        var server = ChildProcess.Start(Program, ["run", "--data", directory, "--nbd-socket", socket, "--control", control]);
        try
        {
            if (await server.Output.ReadLineAsync(cancellationToken) != "ready")
            {
                throw new BenchException($"dr-edge did not become ready: {(await server.ErrorAsync()).Trim()}");
            }

            await ChildProcess.RunAsync(Program, ["volume", "create", Volume, "--size", $"{sizeBytes >> 20}MiB", "--control", control], cancellationToken);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }
}

internal sealed record SessionPeer() : Peer("session-only")
{
    public override async Task<ChildProcess> StartAsync(string directory, string socket, long sizeBytes, CancellationToken cancellationToken)
    {
        var server = ChildProcess.Start(Environment.ProcessPath!, ["serve-raw", CreateImage(directory, sizeBytes), socket]);
        await WaitForAsync(server, socket, cancellationToken);
        return server;
    }
}
