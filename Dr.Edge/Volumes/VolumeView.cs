using Dr.Edge.Volumes.Digests;
using Dr.Edge.Volumes.Mapping;

namespace Dr.Edge.Volumes;

/// <summary>A volume as it was at a point or a moment: read-only, constant, independent of later writes. Holds its history until disposed.</summary>
internal sealed class VolumeView : IBlockDevice, IDisposable
{
    private readonly LayerTable _layers;
    private readonly IDisposable _hold;
    private readonly List<LayerFile> _files;
    private int _disposed;

    internal VolumeView(Volume volume, BlockMap map, LayerTable layers, List<LayerFile> files, IDisposable hold, SequenceNumber sequence, DateTimeOffset at, long sizeBytes)
    {
        Volume = volume;
        Map = map;
        _layers = layers;
        _files = files;
        _hold = hold;
        Sequence = sequence;
        At = at;
        SizeBytes = sizeBytes;
    }

    public Volume Volume { get; }

    public SequenceNumber Sequence { get; }

    public DateTimeOffset At { get; }

    public long SizeBytes { get; }

    public bool IsReadOnly => true;

    internal BlockMap Map { get; }

    public void Read(long offset, Span<byte> destination)
    {
        BlockRanges.CheckInside(offset, destination.Length, SizeBytes);
        BlockReader.Read(Map, _layers, offset, destination);
        Volume.Counters.Reads.Add(destination.Length);
    }

    /// <summary>As <see cref="Read"/>; behind the end, where a volume that has grown since goes on, there are zeros.</summary>
    public void ReadPadded(long offset, Span<byte> destination)
    {
        var inside = (int)Math.Clamp(SizeBytes - offset, 0, destination.Length);
        destination[inside..].Clear();
        if (inside > 0)
        {
            Read(offset, destination[..inside]);
        }
    }

    public void Write(ReadOnlySpan<WriteExtent> extents, bool forceUnitAccess) =>
        throw new BlockDeviceException(BlockError.NotPermitted, "A view of the past is read-only.");

    public void Flush()
    {
        // Nothing here is ever written.
    }

    public void GetAllocation(long offset, long length, int maxRuns, List<AllocationRun> runs) =>
        BlockRanges.GetAllocation(Map, SizeBytes, offset, length, maxRuns, runs);

    public void GetDepths(long offset, long length, int maxRuns, List<DepthRun> runs) =>
        BlockRanges.GetDepths(Map, Volume.DepthsAt(Sequence.Value), SizeBytes, offset, length, maxRuns, runs);

    public void Prefetch(long offset, long length)
    {
        BlockRanges.CheckInside(offset, length, SizeBytes);
        BlockPrefetch.Run(Map, _layers, offset, length);
    }

    /// <summary>Reads content against its checksums, as <see cref="Scrubbing.ContentCheck"/> does; nobody's reads are counted.</summary>
    internal long Check(long block, int maxBlocks, out long bytes, Action<long, string> report) =>
        Scrubbing.ContentCheck.Check(Map, _layers, block, SizeBytes / Format.StoreLimits.BlockBytes, maxBlocks, out bytes, report);

    /// <summary>What another copy's view is compared with.</summary>
    public byte[] Digest(DigestKind kind) => PointDigest.Of(Map, _layers, SizeBytes, kind);

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        Map.Dispose();
        _hold.Dispose();
        foreach (var file in _files)
        {
            file.Release();
        }
    }
}
