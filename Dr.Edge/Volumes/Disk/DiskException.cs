namespace Dr.Edge.Volumes.Disk;

/// <summary>A system call on one of the store's files failed.</summary>
internal sealed class DiskException(string path, string verb, int errno) : DrException(
    $"{path} could not be {verb}: {Posix.Describe(errno)}.",
    Posix.IsFull(errno) ? NoSpaceHint : "The disk may be failing: look at the kernel's log before anything else.",
    isTransient: Posix.IsFull(errno))
{
    /// <summary>What makes space, and when.</summary>
    public const string NoSpaceHint =
        "Free space on this disk, or delete old points ('dr-edge point delete'): while the disk is short, the moments that led up to a deleted point go with it at once.";

    public int Errno { get; } = errno;

    public bool IsFull => Posix.IsFull(Errno);
}
