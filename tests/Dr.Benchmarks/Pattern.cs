namespace Dr.Benchmarks;

/// <summary>One line of the table: what fio does. Every run moves a fixed number of bytes and ends with an fsync that is part of its time, so that every server puts the same on the disk.</summary>
/// <param name="Share">Part of the volume's size that is read or written.</param>
internal sealed record Pattern(string Name, string ReadWrite, string BlockSize, int Depth, double Share, int FsyncEvery = 0)
{
    public static IReadOnlyList<Pattern> All { get; } =
    [
        new("4k-randwrite-qd32", "randwrite", "4k", 32, 1),
        new("4k-randwrite-qd1", "randwrite", "4k", 1, 1.0 / 16),
        new("4k-randread-qd32", "randread", "4k", 32, 1),
        new("4k-randread-qd1", "randread", "4k", 1, 1.0 / 16),
        new("256k-seqwrite-qd8", "write", "256k", 8, 1),
        new("256k-seqread-qd8", "read", "256k", 8, 1),
        new("4k-randwrite-fsync1", "randwrite", "4k", 1, 1.0 / 128, FsyncEvery: 1),
    ];

    /// <summary>Reads need something to read.</summary>
    public bool NeedsFill => ReadWrite.Contains("read", StringComparison.Ordinal);

    public static Pattern Fill { get; } = new("fill", "write", "1M", 8, 1);
}
