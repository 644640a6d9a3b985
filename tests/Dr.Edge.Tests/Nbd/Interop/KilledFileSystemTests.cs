using System.Diagnostics;

namespace Dr.Edge.Tests.Nbd.Interop;

/// <summary>
/// <c>kill -9</c> of a real dr-edge under a mounted file system that is being written: after the restart the file system mounts, what was synced before is all there, and its checker finds nothing.
/// </summary>
[Collection(FileSystemCollection.Name)]
public sealed class KilledFileSystemTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("dr-killed-fs-").FullName;

    private string Socket => Path.Combine(_folder, "nbd.sock");

    private string Uri => $"nbd+unix:///v?socket={Socket}";

    [Theory]
    [InlineData("ext4", "mkfs.ext4", "-q -F", "e2fsck", "-f -n")]
    [InlineData("xfs", "mkfs.xfs", "-q -f", "xfs_repair", "-n")]
    [InlineData("btrfs", "mkfs.btrfs", "-q -f", "btrfs", "check")]
    public async Task What_was_synced_is_there_and_the_file_system_is_clean_after_a_kill(string kind, string make, string makeOptions, string check, string checkOptions)
    {
        var mount = Directory.CreateDirectory(Path.Combine(_folder, "mount")).FullName;
        var (work, noise) = (Path.Combine(mount, "work"), Path.Combine(mount, "noise"));
        var workload = new FileWorkload(seed: 23);
        using var edge = await StartAsync();
        try
        {
            await Tool.RunAsync(Program, "volume", "create", "v", "--size", "512MiB", "--control", Path.Combine(_folder, "control.sock"));
            await using (var attached = await AttachedDevice.AttachAsync(Uri, Path.Combine(_folder, "export")))
            {
                await Tool.RunAsync(make, [.. makeOptions.Split(' '), attached.Device]);
                await Tool.RunAsync("mount", "-t", kind, attached.Device, mount);
                try
                {
                    Directory.CreateDirectory(work);
                    Directory.CreateDirectory(noise);
                    workload.Run(work, 150);
                    await Tool.RunAsync("sync", "-f", mount);
                    var written = 0;
                    var writer = Task.Factory.StartNew(() => WriteUntilItFails(noise, ref written), TaskCreationOptions.LongRunning);
                    await Eventually.TrueAsync("the noise was being written", () => Volatile.Read(ref written) > 30);
                    edge.Kill();
                    await edge.WaitForExitAsync();
                    await writer;
                }
                finally
                {
                    await Tool.RunAsync("umount", mount);
                }
            }
        }
        finally
        {
            await KillAsync(edge);
        }

        using var again = await StartAsync();
        try
        {
            await using var attached = await AttachedDevice.AttachAsync(Uri, Path.Combine(_folder, "export"));
            await Tool.RunAsync("mount", "-t", kind, attached.Device, mount);
            try
            {
                workload.Verify(work);
            }
            finally
            {
                await Tool.RunAsync("umount", mount);
            }

            await Tool.RunAsync(check, [.. checkOptions.Split(' '), attached.Device]);
        }
        finally
        {
            await KillAsync(again);
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static string Program => Path.Combine(AppContext.BaseDirectory, "dr-edge");

    private static void WriteUntilItFails(string folder, ref int written)
    {
        var data = new byte[50_000];
        try
        {
            for (var index = 0; index < 100_000; index++)
            {
                new Random(index).NextBytes(data);
                using var file = new FileStream(Path.Combine(folder, $"n{index % 200}"), FileMode.Create);
                file.Write(data);
                file.Flush(flushToDisk: index % 3 == 0);
                Volatile.Write(ref written, index);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The disk is gone, or the file system went read-only because of that.
        }
    }

    private static async Task KillAsync(Process process)
    {
        if (!process.HasExited)
        {
            process.Kill();
        }

        await process.WaitForExitAsync();
    }

    private async Task<Process> StartAsync()
    {
        var start = new ProcessStartInfo(Program) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        foreach (var argument in (string[])["run", "--data", Path.Combine(_folder, "data"), "--control", Path.Combine(_folder, "control.sock"), "--nbd-socket", Socket])
        {
            start.ArgumentList.Add(argument);
        }

        var process = Process.Start(start)!;
        process.BeginErrorReadLine();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (await process.StandardOutput.ReadLineAsync(limit.Token) is { } line)
        {
            if (line == "ready")
            {
                return process;
            }
        }

        throw new InvalidOperationException("dr-edge ended before it was ready");
    }
}
