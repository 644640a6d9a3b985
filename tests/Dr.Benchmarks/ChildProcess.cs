using System.Diagnostics;

namespace Dr.Benchmarks;

/// <summary>A program this one starts: run to its end, or kept until disposed. None outlives us.</summary>
internal sealed class ChildProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly Task<string> _error;

    private ChildProcess(Process process)
    {
        _process = process;
        _error = process.StandardError.ReadToEndAsync();
    }

    public TimeSpan ProcessorTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    public bool HasExited => _process.HasExited;

    public StreamReader Output => _process.StandardOutput;

    public static ChildProcess Start(string program, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        try
        {
            return new ChildProcess(Process.Start(start)!);
        }
        catch (System.ComponentModel.Win32Exception exception)
        {
            throw new BenchException($"{program} cannot be started: {exception.Message}. Install nbdkit, qemu-utils and fio, and build dr-edge in Release.");
        }
    }

    /// <summary>Standard output of a run that must succeed.</summary>
    public static async Task<string> RunAsync(string program, IEnumerable<string> arguments, CancellationToken cancellationToken)
    {
        await using var child = Start(program, arguments);
        var output = await child.Output.ReadToEndAsync(cancellationToken);
        await child._process.WaitForExitAsync(cancellationToken);
        return child._process.ExitCode == 0
            ? output
            : throw new BenchException($"{program} ended with status {child._process.ExitCode}: {(await child._error).Trim()}");
    }

    public async Task<string> ErrorAsync() => await _error;

    /// <summary>Asks it to stop, as an operator would; kills it when it does not.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            using var terminate = Process.Start("kill", ["-TERM", _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
            try
            {
                await _process.WaitForExitAsync(limit.Token);
            }
            catch (OperationCanceledException)
            {
                _process.Kill(entireProcessTree: true);
            }
        }

        _process.Dispose();
    }
}

internal sealed class BenchException(string message) : Exception(message);
