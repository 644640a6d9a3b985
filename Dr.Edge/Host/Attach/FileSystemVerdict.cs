namespace Dr.Edge.Host.Attach;

internal enum FileSystemFitness
{
    Sound,
    Repaired,

    /// <summary>Its journal has to be replayed by a mount before it can be judged.</summary>
    ReplayFirst,
    Damaged,

    /// <summary>The check itself could not run.</summary>
    NotChecked,
}

/// <summary>What the exit status of a file system's checker means. Pure.</summary>
internal static class FileSystemVerdict
{
    private const int FsckCorrected = 1;
    private const int FsckRebootNeeded = 2;
    private const int FsckUncorrected = 4;

    public static FileSystemFitness Of(string fileSystem, int exitCode, bool replayed) => fileSystem switch
    {
        // e2fsck -p: a sum of bits. "Reboot needed" only concerns a mounted root file system.
        "ext4" when exitCode == 0 => FileSystemFitness.Sound,
        "ext4" when (exitCode & ~(FsckCorrected | FsckRebootNeeded)) == 0 => FileSystemFitness.Repaired,
        "ext4" when (exitCode & FsckUncorrected) != 0 => FileSystemFitness.Damaged,
        "ext4" => FileSystemFitness.NotChecked,

        // xfs_repair -n ignores the log: what it finds on a file system that was not unmounted counts only after a replay.
        "xfs" when exitCode == 0 => FileSystemFitness.Sound,
        "xfs" when !replayed => FileSystemFitness.ReplayFirst,
        "xfs" => FileSystemFitness.Damaged,

        "btrfs" => exitCode == 0 ? FileSystemFitness.Sound : FileSystemFitness.Damaged,
        _ => FileSystemFitness.NotChecked,
    };

    public static (string Program, string[] Arguments) CheckCommand(string fileSystem, string device) => fileSystem switch
    {
        "ext4" => ("e2fsck", ["-p", device]),
        "xfs" => ("xfs_repair", ["-n", device]),
        "btrfs" => ("btrfs", ["check", "--readonly", device]),
        _ => throw new DrException($"File system '{fileSystem}' is not supported.", "Use ext4, xfs or btrfs."),
    };

    public static (string Program, string[] Arguments) FormatCommand(string fileSystem, string device) => fileSystem switch
    {
        "ext4" => ("mkfs.ext4", ["-q", device]),
        "xfs" => ("mkfs.xfs", ["-q", device]),
        "btrfs" => ("mkfs.btrfs", ["-q", device]),
        _ => throw new DrException($"File system '{fileSystem}' is not supported.", "Use ext4, xfs or btrfs."),
    };

    /// <summary>ext4 goes on after an error unless told otherwise; a database must not.</summary>
    /// <param name="beside">Its original may be mounted at the same time: XFS refuses a second file system with the same id unless told otherwise.</param>
    public static string MountOptions(string fileSystem, bool beside = false) => fileSystem switch
    {
        "ext4" => "noatime,errors=remount-ro",
        "xfs" when beside => "noatime,nouuid",
        _ => "noatime",
    };
}
