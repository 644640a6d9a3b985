namespace Dr.Edge.Volumes.Background;

/// <summary>What clients have done to one volume since it was opened. Work in the background is not counted: it must not be taken for somebody to yield to.</summary>
internal sealed class VolumeCounters
{
    /// <summary>Read requests and their bytes.</summary>
    public StripedCounter Reads { get; } = new();

    /// <summary>Extents written or trimmed, and the bytes of their data.</summary>
    public StripedCounter Writes { get; } = new();

    /// <summary>Writes refused because the disk is full, and their bytes.</summary>
    public StripedCounter Refused { get; } = new();

    /// <summary>Everything a client waited for.</summary>
    public long Operations => Reads.Count + Writes.Count;
}
