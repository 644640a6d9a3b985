using Dr.Edge.Volumes;

namespace Dr.Edge.Tests.Nbd;

/// <summary>A block device in memory, with places to make it fail, wait and be watched.</summary>
internal sealed class MemoryDevice(int sizeBytes, bool isReadOnly = false) : IBlockDevice
{
    private readonly byte[] _content = new byte[sizeBytes];
    // Guards _content.
    private readonly Lock _gate = new();

    public long SizeBytes => _content.Length;

    public bool IsReadOnly => isReadOnly;

    public bool HasLapsed { get; set; }

    public int WriteCalls { get; private set; }

    public int FlushCalls { get; private set; }

    public bool LastForceUnitAccess { get; private set; }

    /// <summary>Called at the start of every member with its name; may throw or block.</summary>
    public Action<string>? OnCall { get; set; }

    /// <summary>Sees every batch before it is applied.</summary>
    public Action<ReadOnlyMemory<WriteExtent>>? OnBatch { get; set; }

    public bool ExpectsFlush { get; set; }

    public byte[] Content => _content;

    public void Read(long offset, Span<byte> destination)
    {
        OnCall?.Invoke(nameof(Read));
        lock (_gate)
        {
            _content.AsSpan((int)offset, destination.Length).CopyTo(destination);
        }
    }

    public void Write(ReadOnlySpan<WriteExtent> extents, bool forceUnitAccess)
    {
        OnCall?.Invoke(nameof(Write));
        OnBatch?.Invoke(extents.ToArray());
        lock (_gate)
        {
            WriteCalls++;
            LastForceUnitAccess = forceUnitAccess;
            foreach (var extent in extents)
            {
                var target = _content.AsSpan((int)extent.Offset, (int)extent.Length);
                if (extent.Kind == ExtentKind.Zero)
                {
                    target.Clear();
                }
                else
                {
                    extent.Data.Span.CopyTo(target);
                }
            }
        }
    }

    public void Flush()
    {
        OnCall?.Invoke(nameof(Flush));
        FlushCalls++;
    }

    public void FlushAhead() => OnCall?.Invoke(nameof(FlushAhead));

    public void GetAllocation(long offset, long length, int maxRuns, List<AllocationRun> runs)
    {
        OnCall?.Invoke(nameof(GetAllocation));
        var end = offset + length;
        while (offset < end && runs.Count < maxRuns)
        {
            var isZero = IsZeroBlock(offset);
            var start = offset;
            do
            {
                offset = Math.Min(end, ((offset / 4096) + 1) * 4096);
            }
            while (offset < end && IsZeroBlock(offset) == isZero);

            runs.Add(new AllocationRun(offset - start, isZero));
        }
    }

    private bool IsZeroBlock(long offset)
    {
        var start = (int)(offset / 4096 * 4096);
        return _content.AsSpan(start, Math.Min(4096, _content.Length - start)).IndexOfAnyExcept((byte)0) < 0;
    }
}
