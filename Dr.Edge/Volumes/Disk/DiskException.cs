namespace Dr.Edge.Volumes.Disk;

/// <summary>A system call on one of the store's files failed.</summary>
internal sealed class DiskException(string path, string verb, int errno) : DrException(
    $"{path} could not be {verb}: {Posix.Describe(errno)}.",
    Posix.IsFull(errno) ? "Free space on this disk, or delete old points." : "The disk may be failing: look at the kernel's log before anything else.",
    isTransient: Posix.IsFull(errno))
{
    public int Errno { get; } = errno;

    public bool IsFull => Posix.IsFull(Errno);
}
