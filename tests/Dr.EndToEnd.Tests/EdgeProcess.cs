using System.Diagnostics;

namespace Dr.EndToEnd.Tests;

/// <summary>A real <c>dr-edge run</c> on a data directory of the test's own.</summary>
internal sealed class EdgeProcess : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);
    private readonly Process _process;
    private readonly Task _errors;
    private readonly List<string> _log = [];

    private EdgeProcess(string folder, Process process)
    {
        Folder = folder;
        _process = process;
        _errors = ReadAsync();
    }

    private bool _isDisposed;

    private string Log
    {
        get
        {
            lock (_log)
            {
                return string.Join('\n', _log);
            }
        }
    }

    public string Folder { get; }

    public int Pid => _process.Id;

    public string Control => Path.Combine(Folder, "control.sock");

    public string NbdSocket => Path.Combine(Folder, "nbd.sock");

    public static string Program { get; } = Repository.Program("Dr.Edge", "dr-edge");

    public string Uri(string export) => $"nbd+unix:///{export}?socket={NbdSocket}";

    /// <summary>Starts it and waits until it says that it serves.</summary>
    public static Task<EdgeProcess> StartAsync(string folder, params string[] more) => StartToDieAsync(folder, crashAt: null, more);

    /// <summary>The same; it kills itself as <c>kill -9</c> does when it passes the named crash point (<c>NAME:PASSAGE</c>).</summary>
    public static Task<EdgeProcess> StartToDieAsync(string folder, string? crashAt, params string[] more) => StartAsync(folder, "DR_CRASH_AT", crashAt, more);

    /// <summary>The same; it freezes as a suspended machine does when it passes the named place (<c>NAME:PASSAGE</c>), until <see cref="ThawAsync"/>.</summary>
    public static Task<EdgeProcess> StartToFreezeAsync(string folder, string stopAt, params string[] more) => StartAsync(folder, "DR_STOP_AT", stopAt, more);

    private static async Task<EdgeProcess> StartAsync(string folder, string variable, string? place, string[] more)
    {
        var start = new ProcessStartInfo(Program) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        foreach (var argument in (string[])["run", "--data", Path.Combine(folder, "data"), "--control", Path.Combine(folder, "control.sock"), "--nbd-socket", Path.Combine(folder, "nbd.sock"), .. more])
        {
            start.ArgumentList.Add(argument);
        }

        if (place is not null)
        {
            start.Environment[variable] = place;
        }

        var edge = new EdgeProcess(folder, Process.Start(start)!);
        using var limit = new CancellationTokenSource(StartLimit);
        try
        {
            while (await edge._process.StandardOutput.ReadLineAsync(limit.Token) is { } line)
            {
                if (line == "ready")
                {
                    return edge;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Told below, with what it said.
        }

        await edge.DisposeAsync();
        throw new InvalidOperationException($"dr-edge did not say 'ready' within {StartLimit}:\n{edge.Log}");
    }

    /// <summary>A client command against this process; its output. Fails the test when the command fails, with what the process said and whether it still runs.</summary>
    public async Task<string> RunAsync(params string[] arguments)
    {
        var (status, output) = await TryAsync(arguments);
        status.ShouldBe(0, $"dr-edge {string.Join(' ', arguments)}: {output}\n{(_process.HasExited ? $"the process has ended with {_process.ExitCode}" : "the process runs")}; it said:\n{Log}");
        return output.Trim();
    }

    /// <summary>A client command against this process, whatever comes of it: its exit status and everything it says.</summary>
    public Task<(int Status, string Output)> TryAsync(params string[] arguments) => Repository.RunAsync(Program, [.. arguments, "--control", Control], TimeSpan.FromSeconds(60));

    /// <summary>A command that goes on until it is told to stop.</summary>
    public Process Start(params string[] arguments)
    {
        var start = new ProcessStartInfo(Program) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        foreach (var argument in (string[])[.. arguments, "--control", Control])
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start)!;
    }

    /// <summary>Returns when it has ended by itself.</summary>
    public async Task WaitForEndAsync()
    {
        using var limit = new CancellationTokenSource(StartLimit);
        await _process.WaitForExitAsync(limit.Token);
    }

    /// <summary>Stopped by SIGSTOP: none of its threads runs.</summary>
    public bool IsFrozen => File.ReadAllText($"/proc/{_process.Id}/stat").Split(") ")[1].StartsWith('T');

    public Task ThawAsync() => Repository.RunAsync("/bin/kill", ["-CONT", _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)], TimeSpan.FromSeconds(5));

    /// <summary>SIGKILL: nothing of it runs any more on return.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>SIGTERM, as a service manager stops it; its exit status.</summary>
    public async Task<int> StopAsync()
    {
        await Repository.RunAsync("/bin/kill", ["-TERM", _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)], TimeSpan.FromSeconds(5));
        using var limit = new CancellationTokenSource(StartLimit);
        try
        {
            await _process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException exception)
        {
            throw new TimeoutException($"dr-edge did not end within {StartLimit} of SIGTERM:\n{Log}", exception);
        }

        return _process.ExitCode;
    }

    /// <summary>May be called again, so that a test's clean-up does not hide why the test failed.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        if (!_process.HasExited)
        {
            await KillAsync();
        }

        await _errors;
        _process.Dispose();
    }

    private async Task ReadAsync()
    {
        while (await _process.StandardError.ReadLineAsync() is { } line)
        {
            lock (_log)
            {
                _log.Add(line);
            }
        }
    }
}
