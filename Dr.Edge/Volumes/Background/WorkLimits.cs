namespace Dr.Edge.Volumes.Background;

/// <summary>How much of the disk work in the background may take. Rates are in operations of <see cref="OperationBytes"/> per second.</summary>
internal sealed record WorkLimits
{
    /// <summary>Of each operation of a client this much is earned: 0.05 = one operation in the background for 20 of clients.</summary>
    public double ClientShare { get; init; } = 0.05;

    /// <summary>What counts as one operation. 64 KiB takes a spinning or remote disk hardly longer than 4 KiB does, so that a share of the operations is a share of the disk's time.</summary>
    public int OperationBytes { get; init; } = 64 * 1024;

    /// <summary>Earned whatever clients do, so that a slow trickle of clients does not stop the work for ever. 4 = 256 KiB/s, 150 GiB in a week.</summary>
    public double FloorPerSecond { get; init; } = 4;

    /// <summary>Earned while no client does anything. 1024 = 64 MiB/s, far below what a disk can do, so that it is there at once for the next client.</summary>
    public double IdlePerSecond { get; init; } = 1024;

    /// <summary>So long after the last operation of a client the disk counts as idle.</summary>
    public TimeSpan IdleAfter { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>What can be saved up, in operations; small, so that a pause is not paid for with a burst.</summary>
    public double Burst { get; init; } = 4;
}
