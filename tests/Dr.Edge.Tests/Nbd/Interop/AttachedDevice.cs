using System.Diagnostics;

namespace Dr.Edge.Tests.Nbd.Interop;

/// <summary>An export as a block device without a kernel module: nbdfuse makes a file of it, losetup a device of the file. Needs root.</summary>
internal sealed class AttachedDevice : IAsyncDisposable
{
    private readonly Process _fuse;
    private readonly string _file;

    private AttachedDevice(Process fuse, string file, string device) => (_fuse, _file, Device) = (fuse, file, device);

    /// <summary>/dev/loopN.</summary>
    public string Device { get; }

    public static async Task<AttachedDevice> AttachAsync(string uri, string file, bool isReadOnly = false)
    {
        await File.WriteAllBytesAsync(file, []);
        var fuse = isReadOnly ? Tool.Start("nbdfuse", "--readonly", file, uri) : Tool.Start("nbdfuse", file, uri);
        for (var round = 0; new FileInfo(file).Length == 0; round++)
        {
            fuse.HasExited.ShouldBeFalse($"nbdfuse ended: {(fuse.HasExited ? await fuse.StandardError.ReadToEndAsync() : "")}");
            round.ShouldBeLessThan(3000, "nbdfuse did not show the export as a file within a minute");
            await Task.Delay(20);
        }

        var device = (await (isReadOnly ? Tool.RunAsync("losetup", "--find", "--show", "--read-only", file) : Tool.RunAsync("losetup", "--find", "--show", file))).Trim();
        return new AttachedDevice(fuse, file, device);
    }

    public async ValueTask DisposeAsync()
    {
        await Tool.RunAsync("losetup", "--detach", Device);

        // The loop device lets go of the file a moment after its file system is unmounted.
        await Eventually.TrueAsync($"{_file} is unmounted", async () => (await Tool.TryRunAsync("fusermount3", "-u", _file)).ExitCode == 0);
        await _fuse.WaitForExitAsync();
        _fuse.Dispose();
    }
}
