using Dr.Edge.Host.Processes;
using Dr.Edge.Volumes.Disk;
using Microsoft.Win32.SafeHandles;

namespace Dr.Edge.Host.Quiesce;

/// <summary>
/// Writes out what a directory's files still have in memory, a small piece at a time and with everybody at work, so that the checkpoint, sync or freeze that follows finds little left: handed over at once, hundreds of MiB would
/// stand in the device's queue in front of every commit. Promises nothing about durability and waits for no write: whoever waits for one also takes its error away from the next <c>fsync</c>, which is the database's to hear.
/// </summary>
/// <param name="directory">Files below it are taken, the ones written last first; links are not followed.</param>
/// <param name="budget">Ends then, whatever is left.</param>
internal sealed class WriteAhead(string directory, TimeSpan budget, TimeProvider time)
{
    private const int PieceBytes = 1 << 20;

    /// <summary>Writes under way on the device that are the work of others.</summary>
    private const int InFlightOfOthers = 2;

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(1);

    /// <summary>A device that always has more under way than <see cref="InFlightOfOthers"/> is given this long a piece.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromMilliseconds(100);

    /// <summary>Part of a provider's deadline that is spent before anybody is held up.</summary>
    public static TimeSpan BudgetOf(TimeSpan timeout) => timeout / 2;

    /// <summary>True when it got through all files; false when the budget ended before, or the directory cannot be gone through. Files that went meanwhile, or may not be read, are passed over.</summary>
    public async Task<bool> RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            return !OperatingSystem.IsLinux() || await WriteOutAsync(cancellationToken);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or DrException)
        {
            return false; // What follows takes longer, and nothing else.
        }
    }

    private async Task<bool> WriteOutAsync(CancellationToken cancellationToken)
    {
        var start = time.GetTimestamp();
        var inFlight = await InFlightFileAsync(cancellationToken);
        var options = new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true, AttributesToSkip = FileAttributes.ReparsePoint };
        foreach (var file in new DirectoryInfo(directory).EnumerateFiles("*", options).OrderByDescending(f => f.LastWriteTimeUtc))
        {
            SafeFileHandle handle;
            long length;
            try
            {
                // Also what is no plain file: opening a named pipe waits for its writer.
                length = file.Length;
                if (length == 0)
                {
                    continue;
                }

                handle = File.OpenHandle(file.FullName, share: FileShare.ReadWrite | FileShare.Delete);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                continue;
            }

            using (handle)
            {
                for (var offset = 0L; offset < length; offset += PieceBytes)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    if (time.GetElapsedTime(start) >= budget)
                    {
                        return false;
                    }

                    Posix.StartWriting(handle, offset, PieceBytes);
                    await QuietAsync(inFlight, cancellationToken);
                }
            }
        }

        return true;
    }

    private async Task QuietAsync(string? inFlight, CancellationToken cancellationToken)
    {
        var start = time.GetTimestamp();
        while (inFlight is not null && WritesIn(inFlight) > InFlightOfOthers && time.GetElapsedTime(start) < LongestWait)
        {
            await Task.Delay(Look, time, cancellationToken);
        }
    }

    /// <summary>The kernel's count of what the device has under way, reads and writes; null where the file system lies on no block device.</summary>
    private async Task<string?> InFlightFileAsync(CancellationToken cancellationToken)
    {
        var found = await ProgramRunner.RunAsync("findmnt", ["--noheadings", "--output", "MAJ:MIN", "--target", directory], TimeSpan.FromSeconds(2), cancellationToken);
        var file = $"/sys/dev/block/{found.Output.Trim().Split('\n')[0]}/inflight";
        return found.Succeeded && File.Exists(file) ? file : null;
    }

    /// <summary>The second number of two. Nothing there is nothing under way.</summary>
    private static int WritesIn(string inFlight)
    {
        try
        {
            return File.ReadAllText(inFlight).Split(' ', StringSplitOptions.RemoveEmptyEntries) is [_, var writes] && int.TryParse(writes, CultureInfo.InvariantCulture, out var count) ? count : 0;
        }
        catch (IOException)
        {
            return 0;
        }
    }
}
