namespace Dr.Edge.Volumes.Disk;

/// <summary>What can lie at a path.</summary>
internal enum PathKind
{
    Missing,
    File,
    BlockDevice,
    Directory,

    /// <summary>A character device, a pipe, a socket.</summary>
    Other,
}
