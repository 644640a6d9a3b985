using System.Diagnostics;
using System.Globalization;

namespace Dr.Simulator.Live.World;

/// <summary>
/// A process tree with process and mount namespaces of its own at one place: killing its first process is pulling its plug. That first process is a small supervisor, which starts the program again a second after
/// it ended, as a service manager does.
/// </summary>
internal sealed class Machine : IAsyncDisposable
{
    /// <summary>As the first process it also takes the orphans of the namespace.</summary>
    private const string Supervisor = """
        trap 'stopping=1; kill -TERM $child 2>/dev/null' TERM INT
        while [ -z "$stopping" ]; do
          "$@" & child=$!
          while kill -0 $child 2>/dev/null; do wait $child; done
          [ -n "$stopping" ] || sleep 1
        done
        """;

    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(20);

    private readonly string _network;
    private readonly string[] _command;
    private Process? _process;
    private string? _namespace;

    /// <param name="network">Path of the network namespace.</param>
    /// <param name="log">File that everything it prints is appended to.</param>
    public Machine(string name, string network, string log, params string[] command) => (Name, _network, Log, _command) = (name, network, log, command);

    public string Name { get; }

    public string Log { get; }

    public bool IsOn => _process is { HasExited: false };

    /// <summary>Switches it on.</summary>
    public void Boot()
    {
        var start = new ProcessStartInfo("nsenter") { UseShellExecute = false };
        string[] arguments =
        [
            $"--net={_network}", "unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child=KILL", "--",
            "bash", "-c", $"exec >> '{Log}' 2>&1 < /dev/null; {Supervisor}", Name, .. _command,
        ];
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        _namespace = null;
        _process = Process.Start(start)!;
    }

    /// <summary>Boots it and waits until the program has said "ready" once more.</summary>
    /// <exception cref="DrException">It did not; says how the log ends.</exception>
    public async Task BootAsync(CancellationToken cancellationToken)
    {
        var before = Readies();
        Boot();
        await Wait.UntilAsync($"{Name} to be ready", () => Readies() > before, StartLimit, cancellationToken, () => Tail(15));
    }

    /// <summary>All of it at once, as without power. Returns when nothing of it runs any more.</summary>
    public async Task PowerOffAsync()
    {
        if (_process is not { } process)
        {
            return;
        }

        _process = null;
        Thaw(process);
        process.Kill();
        await process.WaitForExitAsync();
        await Wait.UntilAsync($"{Name} to be gone", () => _namespace is null || Members().Count == 0, StopLimit, CancellationToken.None);
        process.Dispose();
    }

    /// <summary>In order, and without power when that takes too long.</summary>
    public async Task ShutDownAsync()
    {
        if (_process is { HasExited: false } process)
        {
            Thaw(process);
            if (FirstProcess(process) is { } first)
            {
                Native.Signal(first, Native.SIGTERM);
            }

            using var patience = new CancellationTokenSource(StopLimit);
            await process.WaitForExitAsync(patience.Token).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }

        await PowerOffAsync();
    }

    /// <summary>A signal to every process of it. Twice: what was just being started gets it as well.</summary>
    public void SignalAll(int signal)
    {
        for (var round = 0; round < 2; round++)
        {
            foreach (var member in Members())
            {
                Native.Signal(member, signal);
            }
        }
    }

    /// <summary>A signal to everything but the supervisor: a program of several processes.</summary>
    public void SignalPrograms(int signal)
    {
        var first = _process is { HasExited: false } process ? FirstProcess(process) : null;
        foreach (var member in Members().Where(m => m != first))
        {
            Native.Signal(member, signal);
        }
    }

    /// <summary>A signal to the supervised program alone; false when it does not run.</summary>
    public bool SignalProgram(int signal) => ProgramProcess() is { } program && Native.Signal(program, signal);

    /// <summary>Runs a twentieth of the time until cancelled; then it runs again.</summary>
    public async Task CrawlAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (!cancellationToken.IsCancellationRequested)
            {
                SignalAll(Native.SIGSTOP);
                await Task.Delay(950, cancellationToken);
                SignalAll(Native.SIGCONT);
                await Task.Delay(50, cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            // Over.
        }
        finally
        {
            SignalAll(Native.SIGCONT);
        }
    }

    /// <summary>The last lines of its log.</summary>
    public string Tail(int lines) => File.Exists(Log) ? string.Join('\n', ReadLog().Split('\n').TakeLast(lines)) : "";

    public async ValueTask DisposeAsync()
    {
        await ShutDownAsync();
    }

    private void Thaw(Process process)
    {
        if (!process.HasExited)
        {
            SignalAll(Native.SIGCONT);
        }
    }

    private int Readies() => File.Exists(Log) ? ReadLog().Split('\n').Count(line => line == "ready") : 0;

    private string ReadLog()
    {
        using var reader = new StreamReader(new FileStream(Log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return reader.ReadToEnd();
    }

    private int? ProgramProcess() => _process is { HasExited: false } process && FirstProcess(process) is { } first ? ProcessTable.Children(first).Cast<int?>().FirstOrDefault(c => ProcessTable.Runs(c!.Value, _command)) : null;

    private static int? FirstProcess(Process process) => ProcessTable.Children(process.Id).Cast<int?>().FirstOrDefault();

    private IReadOnlyList<int> Members()
    {
        if (_namespace is null && _process is { HasExited: false } process && FirstProcess(process) is { } first)
        {
            _namespace = ProcessTable.Namespace(first, "pid");
        }

        return _namespace is null ? [] : ProcessTable.InNamespace("pid", _namespace);
    }
}
