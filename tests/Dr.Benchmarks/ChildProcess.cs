using System.Diagnostics;
using System.Globalization;

namespace Dr.Benchmarks;

/// <summary>A program this one starts: run to its end, or kept until disposed. None outlives us.</summary>
internal sealed class ChildProcess : IAsyncDisposable
{
    // A server that stops in order writes what it has; one that does not in this time is killed.
    private static readonly TimeSpan StopTime = TimeSpan.FromSeconds(10);
    private readonly Process _process;
    private readonly Task<string> _error;

    private ChildProcess(Process process)
    {
        _process = process;
        _error = process.StandardError.ReadToEndAsync();
    }

    public int Id => _process.Id;

    public TimeSpan ProcessorTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>What it had to read from a disk so far, as the kernel counts it.</summary>
    public long DiskBytesRead => long.Parse(
        File.ReadLines($"/proc/{_process.Id}/io").First(line => line.StartsWith("read_bytes: ", StringComparison.Ordinal)).AsSpan("read_bytes: ".Length), CultureInfo.InvariantCulture);

    /// <summary>Resident memory now and at its highest.</summary>
    public string Memory() => string.Join(
        ", ", File.ReadLines($"/proc/{_process.Id}/status").Where(line => line.StartsWith("VmHWM", StringComparison.Ordinal) || line.StartsWith("VmRSS", StringComparison.Ordinal)).Select(line => string.Join(' ', line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))));

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
            throw new BenchException($"{program} cannot be started: {exception.Message}. Install nbdkit, nbdfuse (libnbd-bin), qemu-utils, fio and PostgreSQL, and build dr-edge in Release.");
        }
    }

    /// <summary>Standard output of a run that must succeed.</summary>
    /// <param name="server">Whom the program talks to: when that ends, the program is killed, for fio goes on asking a dead server for ever.</param>
    public static async Task<string> RunAsync(string program, IEnumerable<string> arguments, CancellationToken cancellationToken, ChildProcess? server = null)
    {
        await using var child = Start(program, arguments);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            var watching = server?._process.WaitForExitAsync(ended.Token) ?? Task.Delay(Timeout.Infinite, ended.Token);
            var running = ReadToEndAsync(child, ended.Token);
            if (await Task.WhenAny(running, watching) == watching && !cancellationToken.IsCancellationRequested)
            {
                throw new BenchException($"The server ended while {program} was running: {(await server!._error).Trim()}");
            }

            var output = await running;
            return child._process.ExitCode == 0
                ? output
                : throw new BenchException($"{program} ended with status {child._process.ExitCode}: {(await child._error).Trim()}");
        }
        finally
        {
            await ended.CancelAsync();
            await child.KillAsync();
        }
    }

    public async Task<string> ErrorAsync() => await _error;

    /// <summary>Ends a program that has nothing to lose.</summary>
    public async Task KillAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
        }
    }

    /// <summary>Asks it to stop, as an operator would; kills it when it does not.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            using var terminate = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]);
            using var limit = new CancellationTokenSource(StopTime);
            try
            {
                await _process.WaitForExitAsync(limit.Token);
            }
            catch (OperationCanceledException)
            {
                await KillAsync();
            }
        }

        _process.Dispose();
    }

    private static async Task<string> ReadToEndAsync(ChildProcess child, CancellationToken cancellationToken)
    {
        var output = await child.Output.ReadToEndAsync(cancellationToken);
        await child._process.WaitForExitAsync(cancellationToken);
        return output;
    }
}

internal sealed class BenchException(string message) : Exception(message);
