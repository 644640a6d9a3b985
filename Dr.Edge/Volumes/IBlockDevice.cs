namespace Dr.Edge.Volumes;

/// <summary>What an export serves: a live volume, a view of a point or a moment (read-only), or a clone. Every member may be called from any thread at once.</summary>
public interface IBlockDevice
{
    long SizeBytes { get; }

    bool IsReadOnly { get; }

    /// <summary>The right to serve has lapsed: a change or flush that was done, but whose answer has not left yet, must be answered with an error now.</summary>
    bool HasLapsed => false;

    /// <summary>
    /// Fills <paramref name="destination"/> from <paramref name="offset"/>. Sees every write that was answered before the call, on any connection. Every block
    /// is checked against its checksum. Offsets and lengths need no alignment.
    /// </summary>
    /// <exception cref="BlockDeviceException">Out of range (<see cref="BlockError.Invalid"/>), damaged or unreadable (<see cref="BlockError.IO"/>).</exception>
    void Read(long offset, Span<byte> destination);

    /// <summary>
    /// Appends <paramref name="extents"/> in order as one batch (group commit: callers hand over all that is waiting). On return they are visible to every reader;
    /// with <paramref name="forceUnitAccess"/> they are also on stable storage. All or nothing: on an exception none of them may be seen later.
    /// The caller may reuse the data buffers on return. No alignment is required; overlapping extents apply in order.
    /// </summary>
    /// <exception cref="BlockDeviceException">Gate shut or read-only (<see cref="BlockError.NotPermitted"/>), full (<see cref="BlockError.NoSpace"/>), stopped (<see cref="BlockError.Shutdown"/>), failed (<see cref="BlockError.IO"/>).</exception>
    void Write(ReadOnlySpan<WriteExtent> extents, bool forceUnitAccess);

    /// <summary>
    /// As <see cref="Write"/>, but unless the ticket is the default one, what it appended may be answered only after <see cref="Confirm"/>: whoever has several writes to answer appends them all and then waits once.
    /// </summary>
    WriteTicket BeginWrite(ReadOnlySpan<WriteExtent> extents, bool forceUnitAccess)
    {
        Write(extents, forceUnitAccess);
        return default;
    }

    /// <summary>Returns when everything up to the ticket's writes may be answered.</summary>
    /// <exception cref="BlockDeviceException">As <see cref="Write"/>. The writes may or may not be seen later: the client is told of an error, and either outcome is right.</exception>
    void Confirm(WriteTicket ticket)
    {
    }

    /// <summary>Brings the ticket's writes on their way to whoever has to confirm them, for one who has other things to do than to wait in <see cref="Confirm"/>. Returns at once.</summary>
    void BeginConfirm(WriteTicket ticket)
    {
    }

    /// <summary>As <see cref="Confirm"/>, but returns at once; false: they may not be answered yet.</summary>
    /// <exception cref="BlockDeviceException">As <see cref="Confirm"/>.</exception>
    bool TryConfirm(WriteTicket ticket)
    {
        Confirm(ticket);
        return true;
    }

    /// <summary>Has the waiter woken when <see cref="TryConfirm"/> is worth another look; false: it is worth one now. A waiter waits for one ticket; a further call changes which. A right that ends may wake nobody: look now and then.</summary>
    bool Await(WriteTicket ticket, ConfirmationWaiter waiter) => false;

    /// <summary>It is woken no more from the return on.</summary>
    void Forget(ConfirmationWaiter waiter)
    {
    }

    /// <summary>Returns when every write answered before the call, by any thread, is on stable storage.</summary>
    /// <exception cref="BlockDeviceException">
    /// Failed (<see cref="BlockError.IO"/>); or the gate shut after writes that no flush has covered (<see cref="BlockError.NotPermitted"/>): they may not be part of what the next owner serves.
    /// </exception>
    void Flush();

    /// <summary>Something answered is not durable yet, and by what clients did so far a flush is going to be asked for next.</summary>
    bool ExpectsFlush => false;

    /// <summary>Makes durable what can be without waiting for anybody else; for a moment in which no client waits for this thread. Trouble shows in the requests that follow.</summary>
    void FlushAhead()
    {
    }

    /// <summary>
    /// Allocation from <paramref name="offset"/> on: appends runs to <paramref name="runs"/> that cover at least the first byte and at most <paramref name="length"/> bytes,
    /// merged where equal, at most <paramref name="maxRuns"/>. A run said to be zero reads as zeros.
    /// </summary>
    void GetAllocation(long offset, long length, int maxRuns, List<AllocationRun> runs);

    /// <summary>
    /// As <see cref="GetAllocation"/>, by how many layers down the data lie: 1 = the newest one, 0 = no data are kept. May cover less than was asked, never nothing. A device without layers has one.
    /// </summary>
    void GetDepths(long offset, long length, int maxRuns, List<DepthRun> runs)
    {
        var allocation = new List<AllocationRun>();
        GetAllocation(offset, length, maxRuns, allocation);
        runs.AddRange(allocation.Select(run => new DepthRun(run.Length, run.IsZero ? 0 : 1)));
    }

    /// <summary>What lies in the range is going to be read soon. A hint, and no wait.</summary>
    /// <exception cref="BlockDeviceException">Out of range (<see cref="BlockError.Invalid"/>).</exception>
    void Prefetch(long offset, long length)
    {
    }
}

public enum ExtentKind : byte
{
    Data = 1,

    /// <summary>Reads back as zeros; carries no data. Both TRIM and WRITE_ZEROES.</summary>
    Zero = 2,
}

/// <summary>One change. For <see cref="ExtentKind.Data"/> <see cref="Data"/> has <see cref="Length"/> bytes; for zero extents it is empty and the length may be up to 4 GiB.</summary>
public readonly record struct WriteExtent(long Offset, long Length, ExtentKind Kind, ReadOnlyMemory<byte> Data);

/// <param name="Length">Bytes, more than 0.</param>
/// <param name="IsZero">Reads as zeros and takes no space.</param>
public readonly record struct AllocationRun(long Length, bool IsZero);

/// <param name="Length">Bytes, more than 0.</param>
/// <param name="Depth">1 = the newest layer; 0 = reads as zeros and takes no space.</param>
public readonly record struct DepthRun(long Length, int Depth);

public enum BlockError
{
    NotPermitted,
    IO,
    Invalid,
    NoSpace,
    Shutdown,
    NotSupported,
}

/// <summary>A request that a block device could not do, with the error an NBD client is to see.</summary>
public sealed class BlockDeviceException(BlockError error, string message, Exception? inner = null) : DrException(message, inner: inner)
{
    public BlockError Error { get; } = error;
}
