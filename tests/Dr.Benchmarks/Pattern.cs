namespace Dr.Benchmarks;

/// <summary>What a volume holds before the clock starts.</summary>
internal enum Preparation
{
    /// <summary>Nothing: every run writes into a fresh volume.</summary>
    Empty,

    /// <summary>Written once from start to end.</summary>
    Filled,

    /// <summary>Written once, then overwritten at random, 4 KiB at a time: what lies side by side in the volume lies anywhere in the log.</summary>
    Overwritten,
}

/// <summary>One line of the table: what fio does. Every run moves a fixed number of bytes and ends with an fsync that is part of its time, so that every server puts the same on the disk.</summary>
/// <param name="Share">Part of the volume's size that is read or written.</param>
/// <param name="Goals">Least ratio of our figure to a peer's, by the peer's name.</param>
internal sealed record Pattern(string Name, string ReadWrite, string BlockSize, int Depth, double Share, Preparation Preparation, IReadOnlyDictionary<string, double> Goals, int FsyncEvery = 0)
{
    /// <summary>A database on a file system on the export instead of fio.</summary>
    public const string DatabaseKind = "pgbench";

    private static readonly Dictionary<string, double> SmallGoals = Goal(1.0, 1.5);
    private static readonly Dictionary<string, double> LargeGoals = Goal(0.8, 1.0);
    private static readonly Dictionary<string, double> PointGoals = new(StringComparer.Ordinal) { [PointsPeer.Many] = 0.95, [PointsPeer.EverySecond] = 0.9 };

    public static IReadOnlyList<Pattern> All { get; } =
    [
        new("4k-randwrite-qd32", "randwrite", "4k", 32, 1, Preparation.Empty, SmallGoals),
        new("4k-randwrite-qd1", "randwrite", "4k", 1, 1.0 / 8, Preparation.Empty, SmallGoals),
        new("4k-randwrite-fsync1", "randwrite", "4k", 1, 1.0 / 32, Preparation.Empty, Goal(1.2, 1.2), FsyncEvery: 1),
        new("256k-seqwrite-qd8", "write", "256k", 8, 1, Preparation.Empty, LargeGoals),
        new("4k-randread-qd32", "randread", "4k", 32, 1, Preparation.Filled, SmallGoals),
        new("4k-randread-qd1", "randread", "4k", 1, 1.0 / 8, Preparation.Filled, SmallGoals),
        new("256k-seqread-qd8", "read", "256k", 8, 1, Preparation.Filled, LargeGoals),
        new("4k-randread-qd32-overwritten", "randread", "4k", 32, 1, Preparation.Overwritten, SmallGoals),
        new("4k-randread-qd1-overwritten", "randread", "4k", 1, 1.0 / 8, Preparation.Overwritten, SmallGoals),
        new(DatabaseKind, DatabaseKind, "8k", 4, 1, Preparation.Empty, Goal(1.0, 1.0)),
    ];

    /// <summary>Ours alone: what points cost.</summary>
    public static IReadOnlyList<Pattern> Points { get; } =
    [
        new("points-4k-randwrite-qd32", "randwrite", "4k", 32, 4, Preparation.Empty, PointGoals),
        new("points-4k-randwrite-qd1", "randwrite", "4k", 1, 1.0 / 2, Preparation.Empty, PointGoals),
        new("points-4k-randread-qd32", "randread", "4k", 32, 4, Preparation.Filled, PointGoals),
        new("points-pgbench", DatabaseKind, "8k", 4, 1, Preparation.Empty, PointGoals),
    ];

    public static Pattern Fill { get; } = new("fill", "write", "1M", 8, 1, Preparation.Empty, new Dictionary<string, double>(StringComparer.Ordinal));

    /// <summary>Runs in the part of the volume that the measured patterns leave alone, so that every server has its code and its caches where it wants them.</summary>
    public static Pattern WarmUp { get; } = new("warm-up", "randrw", "4k", 32, 1, Preparation.Empty, new Dictionary<string, double>(StringComparer.Ordinal));

    public bool IsDatabase => ReadWrite == DatabaseKind;

    public bool IsOfPoints => Name.StartsWith("points-", StringComparison.Ordinal);

    public bool IsWriting => ReadWrite.Contains("write", StringComparison.Ordinal);

    private static Dictionary<string, double> Goal(double nbdkit, double qemu) =>
        new(StringComparer.Ordinal) { [NbdkitPeer.PeerName] = nbdkit, [QemuNbdPeer.PeerName] = qemu };
}
