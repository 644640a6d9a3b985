using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Space;

namespace Dr.Edge.Tests.Volumes.Space;

/// <summary>A disk whose free space the test decides; with <see cref="IsFull"/> every write that makes a file longer is refused too, as a full one does.</summary>
internal sealed class SmallDisk : StoreFaults
{
    public long SizeBytes { get; set; } = 1L << 30;

    public long AvailableBytes { get; set; } = 1L << 29;

    public bool IsFull { get; set; }

    /// <summary>The manifest can still be written into the room it took ahead.</summary>
    public bool HasRoom { get; set; }

    /// <summary>Only files whose path contains this meet the full disk.</summary>
    public string Only { get; set; } = "";

    public int Asked { get; private set; }

    /// <summary>Called before the file system answers.</summary>
    public Action? WhileAsked { get; set; }

    public override FileSystemUse FileSystem(string path)
    {
        Asked++;
        WhileAsked?.Invoke();
        return new FileSystemUse(SizeBytes, AvailableBytes);
    }

    public override int ErrorFor(DiskCall call, string path) =>
        IsFull && path.Contains(Only, StringComparison.Ordinal) && !path.EndsWith("superblock", StringComparison.Ordinal)
        && (call is DiskCall.Make or DiskCall.Allocate || (call is DiskCall.Write && !(HasRoom && path.EndsWith("manifest", StringComparison.Ordinal)))) ? Posix.ENOSPC : 0;
}
