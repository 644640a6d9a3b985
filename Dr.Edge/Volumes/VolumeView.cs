namespace Dr.Edge.Volumes;

/// <summary>A volume as it was at a point or a moment: read-only, constant, independent of later writes. Holds its history until disposed.</summary>
internal sealed class VolumeView : IBlockDevice, IDisposable
{
    public Volume Volume { get; } = null!;

    public SequenceNumber Sequence { get; }

    public DateTimeOffset At { get; }

    public long SizeBytes { get; }

    public bool IsReadOnly => true;

    public void Read(long offset, Span<byte> destination) => throw new NotSupportedException();

    public void Write(ReadOnlySpan<WriteExtent> extents, bool forceUnitAccess) =>
        throw new BlockDeviceException(BlockError.NotPermitted, "A view of the past is read-only.");

    public void Flush()
    {
    }

    public void GetAllocation(long offset, long length, int maxRuns, List<AllocationRun> runs) => throw new NotSupportedException();

    public void Dispose()
    {
    }
}
