using System.Diagnostics;
using Dr.Edge.Tests.Nbd;
using Dr.Edge.Tests.Nbd.Interop;

namespace Dr.Edge.Tests.Volumes.Space;

/// <summary>
/// A disk whose writes fail on demand, below a real file system: nbdkit with its error filter serves an image, nbdfuse makes a file of it, which is mounted over a loop device. While
/// <see cref="Fails"/> is set every write is answered EIO; reads go on.
/// </summary>
internal sealed class FailingDevice : IAsyncDisposable
{
    private readonly string _folder;
    private readonly List<Process> _processes = [];

    private FailingDevice(string folder) => _folder = folder;

    /// <summary>What is mounted.</summary>
    public string Path => System.IO.Path.Combine(_folder, "fuse", "nbd");

    public bool Fails
    {
        set
        {
            if (value)
            {
                File.WriteAllText(Trigger, "");
            }
            else
            {
                File.Delete(Trigger);
            }
        }
    }

    private string Trigger => System.IO.Path.Combine(_folder, "trigger");

    public static async Task<FailingDevice> StartAsync(string folder, string image)
    {
        var device = new FailingDevice(folder);
        var socket = System.IO.Path.Combine(folder, "device.sock");
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(device.Path)!);
        try
        {
            device.Start("nbdkit", "-f", "-U", socket, "--filter=error", "file", image, "error-pwrite=EIO", "error-pwrite-rate=100%", $"error-pwrite-file={device.Trigger}");
            await Eventually.TrueAsync("nbdkit serves the image", () => File.Exists(socket));
            device.Start("nbdfuse", device.Path, $"nbd+unix:///?socket={socket}");
            await Eventually.TrueAsync("nbdfuse shows the image", () => File.Exists(device.Path));
            return device;
        }
        catch
        {
            await device.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        Fails = false;
        if (_processes.Count > 1)
        {
            // The loop device lets go of the file a moment after its file system is unmounted.
            await Eventually.TrueAsync("nbdfuse is unmounted", async () => (await Tool.TryRunAsync("fusermount3", "-u", System.IO.Path.GetDirectoryName(Path)!)).ExitCode == 0);
            await _processes[1].WaitForExitAsync();
        }

        foreach (var process in _processes)
        {
            if (!process.HasExited)
            {
                process.Kill();
                await process.WaitForExitAsync();
            }

            process.Dispose();
        }
    }

    private void Start(string program, params string[] arguments)
    {
        var process = Tool.Start(program, arguments);
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { }; // It tells every error that it makes.
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        _processes.Add(process);
    }
}
