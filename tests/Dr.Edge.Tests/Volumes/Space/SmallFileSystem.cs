using System.Diagnostics;
using Dr.Edge.Cli;
using Dr.Edge.Tests.Nbd;
using Dr.Edge.Tests.Nbd.Interop;

namespace Dr.Edge.Tests.Volumes.Space;

/// <summary>A real, small ext4 with a real <c>dr-edge run</c> on it. Needs root.</summary>
internal sealed class SmallFileSystem : IAsyncDisposable
{
    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "dr-edge.dll");
    private readonly string _root = Directory.CreateTempSubdirectory("dr-small-").FullName;
    private Process? _process;
    private FailingDevice? _device;
    private ControlClient? _client;
    private bool _isMounted;

    public string Mount => Path.Combine(_root, "disk");

    public ControlClient Client => _client ??= new ControlClient(Path.Combine(_root, "control"));

    /// <summary>The disk below, where it can fail.</summary>
    public FailingDevice Device => _device ?? throw new InvalidOperationException("the disk was made to work");

    /// <summary>What the process has logged, all starts together.</summary>
    public string Log => string.Concat(Directory.EnumerateFiles(_root, "log*").Order(StringComparer.Ordinal).Select(File.ReadAllText));

    /// <param name="canFail">On a <see cref="FailingDevice"/>.</param>
    public static async Task<SmallFileSystem> CreateAsync(long megabytes, string configuration, bool canFail = false)
    {
        var disk = new SmallFileSystem();
        var image = Path.Combine(disk._root, "image");
        await using (var file = File.Create(image))
        {
            file.SetLength(megabytes << 20);
        }

        await Tool.RunAsync("mkfs.ext4", "-q", "-F", image);
        Directory.CreateDirectory(disk.Mount);
        disk._device = canFail ? await FailingDevice.StartAsync(disk._root, image) : null;
        await disk.MountAsync();
        await File.WriteAllTextAsync(Path.Combine(disk._root, "edge.yaml"), configuration);
        return disk;
    }

    /// <summary>As after a start of the machine; the process must not run.</summary>
    public async Task RemountAsync()
    {
        await Tool.RunAsync("umount", Mount);
        await MountAsync();
    }

    public async Task StartAsync()
    {
        var log = Path.Combine(_root, $"log{Directory.GetFiles(_root, "log*").Length}");
        _process = Process.Start(new ProcessStartInfo("/bin/sh") { UseShellExecute = false, RedirectStandardOutput = true, ArgumentList =
        {
            "-c", "exec dotnet \"$0\" run --data \"$1/disk/data\" --control \"$1/control\" --nbd-socket \"$1/nbd\" --config \"$1/edge.yaml\" 2>\"$2\"", Program, _root, log,
        } })!;
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (await _process.StandardOutput.ReadLineAsync(patience.Token) is { } line)
        {
            if (line == "ready")
            {
                return;
            }
        }

        Assert.Fail($"dr-edge ended before it was ready: {Log}");
    }

    public ScriptedClient Attach(string export)
    {
        var client = ScriptedClient.ConnectUnix(Path.Combine(_root, "nbd"));
        client.Greet();
        client.Go(export);
        return client;
    }

    private async Task MountAsync()
    {
        _isMounted = false;
        await Tool.RunAsync("mount", "-o", "loop", _device?.Path ?? Path.Combine(_root, "image"), Mount);
        _isMounted = true;
    }

    /// <summary>What a client command against the process says.</summary>
    public Task<string> RunAsync(params string[] arguments) => Tool.RunAsync("sh", ["-c", "exec dotnet \"$@\"", "sh", Program, .. arguments, "--control", Path.Combine(_root, "control")]);

    /// <summary>kill -9.</summary>
    public async Task KillAsync()
    {
        _process!.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _process = null;
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await KillAsync();
        }

        _client?.Dispose();
        if (_device is not null)
        {
            _device.Fails = false;
        }

        if (_isMounted)
        {
            await Tool.RunAsync("umount", Mount);
        }

        if (_device is not null)
        {
            await _device.DisposeAsync();
        }

        Directory.Delete(_root, recursive: true);
    }
}
