namespace Dr.Benchmarks;

/// <summary>A server under test. Each run gets a fresh one with a fresh, empty volume in a directory of its own.</summary>
internal abstract record Peer(string Name)
{
    /// <summary>Starts serving a volume of <paramref name="sizeBytes"/> from <paramref name="directory"/> on the Unix socket <paramref name="socket"/>.</summary>
    public abstract Task<ChildProcess> StartAsync(string directory, string socket, long sizeBytes, CancellationToken cancellationToken);

    /// <summary>Once the volume holds what the pattern needs, before the clock starts; <paramref name="sizeBytes"/> are measured and behind them is a part to play with, or, when it is null, something else writes. What is returned goes on while it is measured, until it is disposed.</summary>
    public virtual Task<IAsyncDisposable?> BeginAsync(string socket, long? sizeBytes, CancellationToken cancellationToken) => Task.FromResult<IAsyncDisposable?>(null);

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

internal sealed record NbdkitPeer() : Peer(PeerName)
{
    public const string PeerName = "nbdkit-file";

    public override async Task<ChildProcess> StartAsync(string directory, string socket, long sizeBytes, CancellationToken cancellationToken)
    {
        // Not --exit-with-parent: the kernel takes the thread that started it for the parent, and one of the pool's ends when it has been idle for a while.
        var server = ChildProcess.Start("nbdkit", ["--foreground", "--unix", socket, "file", CreateImage(directory, sizeBytes)]);
        await WaitForAsync(server, socket, cancellationToken);
        return server;
    }
}

internal sealed record QemuNbdPeer() : Peer(PeerName)
{
    public const string PeerName = "qemu-nbd-raw";

    public override async Task<ChildProcess> StartAsync(string directory, string socket, long sizeBytes, CancellationToken cancellationToken)
    {
        var server = ChildProcess.Start(
            "qemu-nbd", ["--persistent", "--shared=16", "--format=raw", "--cache=writeback", "--discard=unmap", $"--socket={socket}", CreateImage(directory, sizeBytes)]);
        await WaitForAsync(server, socket, cancellationToken);
        return server;
    }
}

/// <summary>qemu-nbd with what comes nearest to keeping history: an image format of its own and a bitmap of every change.</summary>
internal sealed record QemuBitmapPeer() : Peer("qemu-nbd-qcow2-bitmap")
{
    public override async Task<ChildProcess> StartAsync(string directory, string socket, long sizeBytes, CancellationToken cancellationToken)
    {
        var path = Path.Combine(directory, "image.qcow2");
        await ChildProcess.RunAsync("qemu-img", ["create", "-q", "-f", "qcow2", path, $"{sizeBytes}"], cancellationToken);
        await ChildProcess.RunAsync("qemu-img", ["bitmap", "--add", "-f", "qcow2", path, "changes"], cancellationToken);
        var server = ChildProcess.Start("qemu-nbd", ["--persistent", "--shared=16", "--format=qcow2", "--cache=writeback", "--discard=unmap", $"--socket={socket}", path]);
        await WaitForAsync(server, socket, cancellationToken);
        return server;
    }
}

internal record EdgePeer(string Program, string Name = EdgePeer.PeerName) : Peer(Name)
{
    public const string PeerName = "dr-edge";

    protected const string Volume = "bench";

    public override string Uri(string socket) => $"nbd+unix:///{Volume}?socket={socket}";

    public override async Task<ChildProcess> StartAsync(string directory, string socket, long sizeBytes, CancellationToken cancellationToken)
    {
        var control = ControlOf(socket);
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

    internal static string ControlOf(string socket) => socket + ".control";
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
