using Dr.Edge.Volumes.Space;

namespace Dr.Edge.Volumes.Disk;

/// <summary>
/// Named places where tests make the store fail. <c>DR_CRASH_AT=name[:n]</c> kills the process at the n-th passage (a crash as <c>kill -9</c> makes it), <c>DR_STOP_AT</c> freezes it there until
/// somebody sends SIGCONT (as a suspended machine does); a subclass answers system calls with errors. In production both are empty and cost a test of a static field.
/// </summary>
internal class StoreFaults
{
    public static readonly StoreFaults None = new();
    private static readonly (string Name, int Passage)? CrashAt = ParsePlace(Environment.GetEnvironmentVariable("DR_CRASH_AT"));
    private static readonly (string Name, int Passage)? StopAt = ParsePlace(Environment.GetEnvironmentVariable("DR_STOP_AT"));
    private static int _passages;
    private static int _stopPassages;

    /// <summary>From <see cref="ErrorFor"/> for a flush: success is answered and nothing is done, as a disk that lies does.</summary>
    public const int Pretend = -1;

    /// <summary>Is told of every change of a file; null in production.</summary>
    public virtual IDiskObserver? Observer => null;

    /// <summary>Error to answer for a call instead of making it; 0 makes the call.</summary>
    public virtual int ErrorFor(DiskCall call, string path) => 0;

    /// <summary>The file system that holds <paramref name="path"/>.</summary>
    public virtual FileSystemUse FileSystem(string path) => FileSystemUse.Of(path);

    /// <summary>How much of a write that is answered with an error reaches the file all the same.</summary>
    public virtual int BytesBeforeError(int length) => 0;

    public static void Pass(string name)
    {
        if (CrashAt is { } point && point.Name == name && Interlocked.Increment(ref _passages) == point.Passage)
        {
            Posix.KillSelf();
        }

        if (StopAt is { } stop && stop.Name == name && Interlocked.Increment(ref _stopPassages) == stop.Passage)
        {
            Posix.StopSelf();
        }
    }

    private static (string, int)? ParsePlace(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return null;
        }

        var colon = text.IndexOf(':', StringComparison.Ordinal);
        return colon < 0 ? (text, 1) : (text[..colon], int.Parse(text.AsSpan(colon + 1), CultureInfo.InvariantCulture));
    }
}

internal enum DiskCall
{
    Write,
    Sync,
    Read,
    Truncate,

    /// <summary>Disk space for later writes.</summary>
    Allocate,

    /// <summary>A file or directory.</summary>
    Make,
    Rename,
    Remove,
}
