using System.Collections.Concurrent;
using System.Diagnostics;

namespace Dr.EndToEnd.Tests;

/// <summary>One of our programs that says <c>ready</c> once it serves; may be killed and started again.</summary>
internal sealed class ReadyProcess(string program, params string[] arguments) : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);
    private readonly ConcurrentQueue<string> _log = new();
    private Process? _process;

    /// <summary>The end of what it logged, for a test that failed.</summary>
    public string Log => string.Join('\n', _log.TakeLast(60));

    /// <summary>Everything that it logged, of all its starts.</summary>
    public IEnumerable<string> Lines => _log;

    /// <summary>It was started and has ended by itself.</summary>
    public bool HasEnded => _process is { HasExited: true };

    public Task StartAsync() => StartToDieAsync(crashAt: null);

    /// <summary>The same; it kills itself as <c>kill -9</c> does when it passes the named crash point (<c>NAME:PASSAGE</c>).</summary>
    public async Task StartToDieAsync(string? crashAt)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        if (crashAt is not null)
        {
            start.Environment["DR_CRASH_AT"] = crashAt;
        }

        var process = _process = Process.Start(start)!;
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        process.OutputDataReceived += (_, line) =>
        {
            if (line.Data == "ready")
            {
                ready.TrySetResult();
            }
        };
        process.ErrorDataReceived += (_, line) => _log.Enqueue(line.Data ?? "");
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        var first = await Task.WhenAny(ready.Task, process.WaitForExitAsync(), Task.Delay(StartLimit));
        (first == ready.Task).ShouldBeTrue($"{Path.GetFileName(program)} did not say \"ready\":\n{Log}");
    }

    /// <summary>SIGKILL: nothing of it runs any more on return.</summary>
    public async Task KillAsync()
    {
        if (_process is { } process)
        {
            _process = null;
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync();
            process.Dispose();
        }
    }

    public ValueTask DisposeAsync() => new(KillAsync());
}
