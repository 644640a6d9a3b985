using System.Runtime.InteropServices;
using Dr.Edge.Volumes.Disk;

namespace Dr.Edge.Volumes.Space;

/// <summary>A file system as <c>df</c> sees it.</summary>
/// <param name="SizeBytes">Whole size.</param>
/// <param name="AvailableBytes">What can still be written, without what the file system keeps for itself.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct FileSystemUse(long SizeBytes, long AvailableBytes)
{
    public long UsedBytes => SizeBytes - AvailableBytes;

    /// <summary>The file system that holds <paramref name="path"/>.</summary>
    /// <exception cref="DiskException">It cannot be asked.</exception>
    public static FileSystemUse Of(string path)
    {
        var errno = Posix.FileSystem(path, out var blockBytes, out var blocks, out var available);
        return errno == 0 ? new FileSystemUse(blocks * blockBytes, available * blockBytes) : throw new DiskException(path, "asked for its free space", errno);
    }
}
