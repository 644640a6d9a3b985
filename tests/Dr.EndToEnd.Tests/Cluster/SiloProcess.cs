using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Dr.EndToEnd.Tests.Cluster;

/// <summary>One real <c>dr-silo run --postgres</c> with ports of its own, which it keeps over restarts.</summary>
internal sealed class SiloProcess : IAsyncDisposable
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { Converters = { new JsonStringEnumConverter() } };

    private readonly ConcurrentQueue<string> _log = new();
    private readonly int _httpPort = FreePorts.Next();
    private readonly int _siloPort = FreePorts.Next();
    private readonly int _gatewayPort = FreePorts.Next();
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(4) };
    private readonly string[] _arguments;
    private string _program;
    private Process? _process;

    /// <param name="name">For the log.</param>
    /// <param name="program">The <c>dr-silo</c> to run; the present build's when it is left out.</param>
    public SiloProcess(string name, string postgres, string broker, string config, string? program = null, params string[] more)
    {
        Name = name;
        _program = program ?? Present;
        _arguments =
        [
            "run", "--postgres", postgres, "--broker", broker, "--config", config, "--http", $"127.0.0.1:{_httpPort}",
            "--silo-port", Text(_siloPort), "--gateway-port", Text(_gatewayPort), .. more,
        ];
    }

    private static string Present => Repository.Program("Dr.Silo", "dr-silo");

    public string Name { get; }

    public int SiloPort => _siloPort;

    public bool IsRunning => _process is { HasExited: false };

    /// <summary>What it logged, newest last.</summary>
    public string Log => string.Join('\n', _log.TakeLast(80).Select(line => $"{Name}: {line}"));

    /// <summary>When it logged this last, as it writes times.</summary>
    public string? LastLogged(string text) => _log.LastOrDefault(line => line.Contains(text, StringComparison.Ordinal))?[..24];

    public bool Logged(string text) => _log.Any(line => line.Contains(text, StringComparison.Ordinal));

    /// <summary>Starts another build in its place; null = the present one.</summary>
    public Task StartWithAsync(string? program)
    {
        _program = program ?? Present;
        return StartAsync();
    }

    public async Task StartAsync()
    {
        var start = new ProcessStartInfo(_program, _arguments) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        var process = _process = Process.Start(start)!;
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        process.OutputDataReceived += (_, line) =>
        {
            if (line.Data == "ready")
            {
                ready.TrySetResult();
            }
        };
        process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is { } text)
            {
                _log.Enqueue(text);
            }
        };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        var first = await Task.WhenAny(ready.Task, process.WaitForExitAsync(), Task.Delay(TimeSpan.FromSeconds(120)));
        (first == ready.Task).ShouldBeTrue($"dr-silo did not say \"ready\":\n{Log}");
    }

    /// <summary>SIGKILL.</summary>
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

    /// <summary>SIGTERM, as a service manager stops it; its exit status.</summary>
    public async Task<int> StopAsync()
    {
        var process = _process!;
        await SignalAsync("TERM");
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(40));
        await process.WaitForExitAsync(patience.Token);
        _process = null;
        var status = process.ExitCode;
        process.Dispose();
        return status;
    }

    public async Task SignalAsync(string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", Text(_process!.Id)]);
        await kill.WaitForExitAsync();
    }

    /// <summary>Until it has ended by itself; its exit status.</summary>
    public async Task<int> EndedAsync(string why, TimeSpan within)
    {
        var process = _process!;
        using var patience = new CancellationTokenSource(within);
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException e)
        {
            throw new TimeoutException($"{Name} has not ended within {within.TotalSeconds:0} s of {why}:\n{Log}", e);
        }

        _process = null;
        var status = process.ExitCode;
        process.Dispose();
        return status;
    }

    /// <summary>From the admin API; null when it does not answer or says no.</summary>
    public async Task<T?> TryGetAsync<T>(string path)
        where T : class
    {
        try
        {
            return await _http.GetFromJsonAsync<T>($"http://127.0.0.1:{Text(_httpPort)}{path}", Json);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or JsonException)
        {
            return null;
        }
    }

    /// <summary>Null when it was taken, else what was said.</summary>
    public async Task<string?> PostAsync(string path, long seenEpoch, object body)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, $"http://127.0.0.1:{Text(_httpPort)}{path}") { Content = JsonContent.Create(body) };
            request.Headers.TryAddWithoutValidation("If-Match", $"\"{Text((int)seenEpoch)}\"");
            request.Headers.TryAddWithoutValidation("Idempotency-Key", path);
            using var response = await _http.SendAsync(request);
            return response.IsSuccessStatusCode ? null : $"{(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}";
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            return e.Message;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _http.Dispose();
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
