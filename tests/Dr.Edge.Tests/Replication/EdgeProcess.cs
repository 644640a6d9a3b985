using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace Dr.Edge.Tests.Replication;

/// <summary>A real <c>dr-edge run</c> on its own data directory, driven by the real commands.</summary>
internal sealed class EdgeProcess : IAsyncDisposable
{
    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "dr-edge.dll");
    private readonly string _directory = Path.Combine(Path.GetTempPath(), $"dr-edge-{Guid.NewGuid():N}"[..24]);
    private Process? _process;

    public EdgeProcess()
    {
        Directory.CreateDirectory(_directory);
        (Address, Nbd) = (FreePorts.NextAddress(), FreePorts.NextAddress());
    }

    public string Address { get; }

    /// <summary>Where it serves volumes.</summary>
    public string Nbd { get; }

    public async Task StartAsync()
    {
        _process = Process.Start(Info(["run", "--data", Path.Combine(_directory, "data"), "--control", Socket, "--replication", Address, "--nbd", Nbd]))!;
        _ = _process.StandardError.ReadToEndAsync();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (await _process.StandardOutput.ReadLineAsync(patience.Token) is { } line)
        {
            if (line == "ready")
            {
                return;
            }
        }

        Assert.Fail("dr-edge ended before it was ready");
    }

    /// <summary>kill -9.</summary>
    public async Task KillAsync()
    {
        _process!.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _process = null;
    }

    public Task<string> RunAsync(params string[] args) => RunAsync(TimeSpan.FromSeconds(60), args);

    /// <summary>What a command says on standard error when it refuses or fails (exit status 1).</summary>
    public async Task<string> RefusedAsync(params string[] args)
    {
        var (status, _, error) = await RunToEndAsync(TimeSpan.FromSeconds(60), args);
        status.ShouldBe(1, $"'{string.Join(' ', args)}' was to be refused: {error}");
        return error;
    }

    public async Task<string> RunAsync(TimeSpan limit, params string[] args)
    {
        var (status, output, error) = await RunToEndAsync(limit, args);
        status.ShouldBe(0, $"{string.Join(' ', args)}: {error}");
        return output;
    }

    private async Task<(int Status, string Output, string Error)> RunToEndAsync(TimeSpan limit, string[] args)
    {
        using var process = Process.Start(Info([.. args, "--control", Socket]))!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        using var patience = new CancellationTokenSource(limit);
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            Assert.Fail($"'{string.Join(' ', args)}' did not end within {limit.TotalSeconds} s");
        }

        return (process.ExitCode, await output, await error);
    }

    /// <summary>The first lines of a command that goes on until it is told to stop.</summary>
    public async Task<IReadOnlyList<string>> LinesAsync(int count, params string[] args)
    {
        using var process = Process.Start(Info([.. args, "--control", Socket]))!;
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var lines = new List<string>();
        while (lines.Count < count && await process.StandardOutput.ReadLineAsync(patience.Token) is { } line)
        {
            lines.Add(line);
        }

        process.Kill();
        await process.WaitForExitAsync(patience.Token);
        lines.Count.ShouldBe(count, $"lines of '{string.Join(' ', args)}'");
        return lines;
    }

    public async Task<JsonElement> ShowAsync(string volume)
    {
        using var document = JsonDocument.Parse(await RunAsync("volume", "show", volume, "--json"));
        return document.RootElement.Clone();
    }

    public async Task ImportAsync(string volume, byte[] content)
    {
        var file = Path.Combine(_directory, "import.img");
        await File.WriteAllBytesAsync(file, content);
        await RunAsync("import", file, volume);
    }

    public async Task<byte[]> ExportAsync(string volume)
    {
        var file = Path.Combine(_directory, "export.img");
        await RunAsync("export", volume, file);
        return await File.ReadAllBytesAsync(file);
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await KillAsync();
        }

        Directory.Delete(_directory, recursive: true);
    }

    private string Socket => Path.Combine(_directory, "control");

    private static ProcessStartInfo Info(IEnumerable<string> args)
    {
        var info = new ProcessStartInfo("dotnet") { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        info.ArgumentList.Add(Program);
        foreach (var arg in args)
        {
            info.ArgumentList.Add(arg);
        }

        return info;
    }
}
