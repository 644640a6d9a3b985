using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Dr.Benchmarks.Replication;

/// <summary>The receiving end as a dr-edge of its own.</summary>
internal sealed class FarProcess : IAsyncDisposable
{
    private readonly ChildProcess _process;
    private readonly string _directory;

    private FarProcess(ChildProcess process, IPEndPoint address, string directory) => (_process, Address, _directory) = (process, address, directory);

    public IPEndPoint Address { get; }

    /// <param name="processor">The only one it may use; null: all.</param>
    public static async Task<FarProcess> StartAsync(string program, string parent, string name, int? processor, CancellationToken cancellationToken)
    {
        using var free = new TcpListener(IPAddress.Loopback, 0);
        free.Start();
        var address = (IPEndPoint)free.LocalEndpoint;
        free.Stop();
        var directory = Path.Combine(parent, name);
        string[] run = [program, "run", "--data", directory, "--control", directory + ".control", "--replication", address.ToString()];
        var process = processor is { } one ? ChildProcess.Start("taskset", ["--cpu-list", one.ToString(CultureInfo.InvariantCulture), .. run]) : ChildProcess.Start(run[0], run[1..]);
        return await process.Output.ReadLineAsync(cancellationToken) == "ready"
            ? new FarProcess(process, address, directory)
            : throw new BenchException($"The receiving dr-edge did not become ready: {(await process.ErrorAsync()).Trim()}");
    }

    /// <summary>Keeps all threads of this process away from a processor.</summary>
    public static Task LeaveAsync(int processor, CancellationToken cancellationToken)
    {
        var others = string.Join(',', Enumerable.Range(0, Environment.ProcessorCount).Where(i => i != processor));
        return ChildProcess.RunAsync("taskset", ["--all-tasks", "--cpu-list", "--pid", others, Environment.ProcessId.ToString(CultureInfo.InvariantCulture)], cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        if (Directory.Exists(_directory))
        {
            Directory.Delete(_directory, recursive: true);
        }
    }
}
