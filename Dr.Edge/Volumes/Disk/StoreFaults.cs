using Dr.Edge.Volumes.Space;

namespace Dr.Edge.Volumes.Disk;

/// <summary>
/// Named places where tests make the store fail. <c>DR_CRASH_AT=name[:n]</c> kills the process at the n-th passage (a crash as <c>kill -9</c> makes it);
/// a subclass answers system calls with errors. In production both are empty and cost a test of a static field.
/// </summary>
internal class StoreFaults
{
    public static readonly StoreFaults None = new();
    private static readonly (string Name, int Passage)? CrashAt = ParseCrashPoint(Environment.GetEnvironmentVariable("DR_CRASH_AT"));
    private static int _passages;

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
    }

    private static (string, int)? ParseCrashPoint(string? text)
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
