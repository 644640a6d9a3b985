using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Dr.Contracts.Mqtt.Client;
using Dr.Silo.Grains;

namespace Dr.EndToEnd.Tests.WebConsole;

/// <summary>A real <c>dr-silo</c> as a process of its own with its own broker and store, on ports that were free.</summary>
internal sealed class RunningSilo : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("dr-console-").FullName;
    private readonly ConcurrentQueue<string> _log = new();
    private Process? _process;

    private RunningSilo()
    {
    }

    public int HttpPort { get; } = FreePorts.Next();

    public int BrokerPort { get; } = FreePorts.Next();

    /// <summary>Null = the embedded broker, on <see cref="BrokerPort"/>.</summary>
    private BrokerAddress? Broker { get; init; }

    /// <summary>Further arguments of every start.</summary>
    private string[] More { get; init; } = [];

    public string DataFolder => Path.Combine(_folder, "data");

    public string Url => $"http://127.0.0.1:{HttpPort}/";

    /// <summary>Working set of the process, MiB.</summary>
    public double MemoryMiB
    {
        get
        {
            _process!.Refresh();
            return _process.WorkingSet64 / 1048576.0;
        }
    }

    /// <summary>The end of what it logged, for a test that failed.</summary>
    public string Log => string.Join('\n', _log.TakeLast(60));

    public static Task<RunningSilo> StartAsync(string config, params string[] more) => StartAsync(null, config, more);

    /// <summary>On a broker of its own process.</summary>
    public static Task<RunningSilo> StartOnAsync(BrokerAddress broker, string config) => StartAsync(broker, config, []);

    private static async Task<RunningSilo> StartAsync(BrokerAddress? broker, string config, string[] more)
    {
        var silo = new RunningSilo { Broker = broker, More = more };
        await File.WriteAllTextAsync(Path.Combine(silo._folder, "silo.yaml"), config);
        try
        {
            await silo.StartAsync();
            return silo;
        }
        catch (Exception)
        {
            await silo.DisposeAsync();
            throw;
        }
    }

    public Task StartAsync() => StartToDieAsync(null);

    /// <param name="crashAt">Where it kills itself (<c>saved:STEP</c>, <c>sent:STEP</c>).</param>
    public async Task StartToDieAsync(string? crashAt)
    {
        string[] arguments =
        [
            "run", "--data", Path.Combine(_folder, "data"), "--http", $"127.0.0.1:{HttpPort}", Broker is null ? "--mqtt-listen" : "--broker", Broker?.ToString() ?? $"127.0.0.1:{BrokerPort}", "--config", Path.Combine(_folder, "silo.yaml"), .. More,
        ];
        var start = new ProcessStartInfo(Repository.Program("Dr.Silo", "dr-silo"), arguments) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
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
        var first = await Task.WhenAny(ready.Task, process.WaitForExitAsync(), Task.Delay(TimeSpan.FromSeconds(90)));
        (first == ready.Task).ShouldBeTrue($"dr-silo did not say \"ready\":\n{Log}");
    }

    /// <summary>Returns when it has ended by itself; false = it has not, within the time.</summary>
    public async Task<bool> HasDiedAsync(TimeSpan within)
    {
        using var limit = new CancellationTokenSource(within);
        try
        {
            await _process!.WaitForExitAsync(limit.Token);
            _process.Dispose();
            _process = null;
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>The places at which it killed itself, in order.</summary>
    public IReadOnlyList<string> DiedAt => [.. _log.Where(l => l.StartsWith(CrashPoints.Said, StringComparison.Ordinal)).Select(l => l[CrashPoints.Said.Length..])];

    /// <summary>As when the machine loses its power.</summary>
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

    public async ValueTask DisposeAsync()
    {
        if (_process is { HasExited: false } process)
        {
            using var term = Process.Start("kill", ["-TERM", process.Id.ToString(CultureInfo.InvariantCulture)]);
            await term.WaitForExitAsync();
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(25));
            await process.WaitForExitAsync(patience.Token).ContinueWith(_ => { }, TaskScheduler.Default);
        }

        await KillAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
