using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Dr.Crash.Child.Copying;

namespace Dr.Edge.Tests.Replication.Failback;

/// <summary>An appliance in a process of its own that may be killed, or kill itself at a named point; it is started again at once, as a service manager would.</summary>
internal sealed class ProcessSite : ICopySite
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly string _directory;
    private readonly bool _isLent;
    private readonly SemaphoreSlim _orders = new(1, 1);
    private Process? _process;
    private Channel<string> _answers = Channel.CreateUnbounded<string>();
    private Task<string> _errors = Task.FromResult("");
    private Task _reading = Task.CompletedTask;
    private long _answered;
    private volatile bool _disposed;

    public ProcessSite(string name)
    {
        Name = name;
        _directory = Path.Combine(Path.GetTempPath(), $"dr-site-{name}-{Guid.NewGuid():N}"[..30]);
        Directory.CreateDirectory(_directory);
        Address = FreePorts.NextAddress();
    }

    /// <summary>Goes on with what <paramref name="node"/>, which is closed, has made; the directory stays its own.</summary>
    public ProcessSite(Node node) => (Name, _directory, Address, _isLent) = (node.Name, node.Directory, node.Address, true);

    public string Name { get; }

    public string Address { get; }

    public string ScratchFile => _directory + ".content";

    /// <summary>For the next start: the named point at which it dies, once.</summary>
    public string? CrashAt { get; set; }

    /// <summary>It does not come back by itself, only for an order.</summary>
    public bool StaysDown { get; set; }

    public bool IsDown => _process is null;

    /// <summary>Ends by <see cref="KillAsync"/> or at a named point.</summary>
    public int Deaths { get; private set; }

    /// <summary>The last write that was answered.</summary>
    public LoadPosition Answered
    {
        get
        {
            var both = Interlocked.Read(ref _answered);
            return new LoadPosition((int)(both >> 32), (int)both);
        }

        set => Interlocked.Exchange(ref _answered, ((long)value.Seed << 32) | (uint)value.Number);
    }

    public async Task<string> RunAsync(string order)
    {
        await _orders.WaitAsync();
        try
        {
            while (true)
            {
                if (_process is null)
                {
                    await StartAsync();
                }

                if (await TryAskAsync(order) is { } answer)
                {
                    return answer;
                }

                await ReapAsync();
            }
        }
        finally
        {
            _orders.Release();
        }
    }

    /// <summary>kill -9, at whatever it is doing; it comes back by itself.</summary>
    public async Task KillAsync()
    {
        try
        {
            _process?.Kill();
        }
        catch (InvalidOperationException)
        {
            // Dead already.
        }

        await _orders.WaitAsync();
        try
        {
            if (_process is not null)
            {
                // It may have died by itself meanwhile, and this one is the next: nobody has killed that yet, and waiting for its end would last for ever.
                _process.Kill();
                await ReapAsync();
            }

            if (!_disposed)
            {
                await StartAsync();
            }
        }
        finally
        {
            _orders.Release();
        }
    }

    /// <summary>SIGSTOP: none of its threads runs, its connections stay open. No orders before <see cref="Thaw"/>.</summary>
    public void Freeze() => Signal("-STOP");

    public void Thaw() => Signal("-CONT");

    private void Signal(string signal)
    {
        using var kill = Process.Start("/bin/kill", [signal, _process!.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
        kill.ExitCode.ShouldBe(0, $"{Name}: kill {signal}");
    }

    public async ValueTask DisposeAsync()
    {
        _disposed = true;
        await KillAsync();
        if (!_isLent)
        {
            Directory.Delete(_directory, recursive: true);
        }

        File.Delete(ScratchFile);
    }

    private async Task StartAsync()
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "dr-crash-child"), ["copy", _directory, Address])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (CrashAt is not null)
        {
            start.Environment["DR_CRASH_AT"] = CrashAt;
        }

        var answers = _answers = Channel.CreateUnbounded<string>();
        var process = _process = Process.Start(start)!;
        _errors = process.StandardError.ReadToEndAsync();
        _reading = Task.Run(() => ReadAsync(process, answers.Writer));
        if (await AnswerAsync("start") != "open")
        {
            await ReapAsync();
            await StartAsync();
        }
    }

    private async Task ReadAsync(Process process, ChannelWriter<string> answers)
    {
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line.StartsWith("w ", StringComparison.Ordinal))
            {
                var parts = line.Split(' ');
                if (parts.Length == 3)
                {
                    Answered = new LoadPosition(int.Parse(parts[1], null), int.Parse(parts[2], null));
                }
            }
            else if (line.StartsWith("= ", StringComparison.Ordinal))
            {
                answers.TryWrite(line[2..]);
            }
        }

        answers.TryComplete();
        _ = Task.Run(() => ReviveAsync(process));
    }

    private async Task ReviveAsync(Process process)
    {
        await _orders.WaitAsync();
        try
        {
            if (!_disposed && _process == process)
            {
                await ReapAsync();
                if (!StaysDown)
                {
                    await StartAsync();
                }
            }
        }
        finally
        {
            _orders.Release();
        }
    }

    private async Task<string?> TryAskAsync(string order)
    {
        try
        {
            await _process!.StandardInput.WriteLineAsync(order);
            await _process.StandardInput.FlushAsync();
        }
        catch (IOException)
        {
            return null;
        }

        return await AnswerAsync(order);
    }

    private async Task<string?> AnswerAsync(string order)
    {
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            return await _answers.Reader.ReadAsync(patience.Token);
        }
        catch (ChannelClosedException)
        {
            return null;
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"{Name}: no answer to '{order}' within {Patience.TotalSeconds} s");
            return null;
        }
    }

    // Only a death by signal 9 is one that the test meant.
    private async Task ReapAsync()
    {
        await _process!.WaitForExitAsync();
        await _reading; // An answer that nobody waits for any more may be left; it went with its process.
        _process.ExitCode.ShouldBe(137, $"{Name} ended by itself: {await _errors}");
        _process.Dispose();
        _process = null;
        Deaths++;
        CrashAt = null;
    }
}
