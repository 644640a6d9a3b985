using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Format;
using Dr.Edge.Volumes.Mapping;
using Dr.Edge.Volumes.Writing;

namespace Dr.Edge.Volumes;

/// <content>The write path and flushing.</content>
internal sealed partial class Volume
{
    [ThreadStatic]
    private static BatchBuilder? _builder;

    // Last write of a client, set under the append lock; and up to where a flush was answered while the gate was open.
    private long _written;
    private long _vouched;

    public void Write(ReadOnlySpan<WriteExtent> extents, bool forceUnitAccess) => Confirm(BeginWrite(extents, forceUnitAccess));

    public WriteTicket BeginWrite(ReadOnlySpan<WriteExtent> extents, bool forceUnitAccess)
    {
        Gate.Check();
        var batch = _builder ??= new BatchBuilder();
        var aligned = WritePlan.Measure(extents, SizeBytes, out var maxExtents, out var maxBlocks);
        long last;
        try
        {
            AdmitWrite(((long)maxBlocks + 1) << StoreLimits.BlockShift);
            if (aligned && maxBlocks >= maxExtents * (long)WritePlan.GatherBlocks)
            {
                batch.Begin(maxExtents, maxBlocks, gathered: true);
                WritePlan.Gather(batch, extents);
            }
            else
            {
                batch.Begin(maxExtents, maxBlocks);
                if (aligned)
                {
                    // Copying and summing outside the lock; sub-block writes need the newest old content and therefore the lock.
                    WritePlan.Add(batch, extents, readOld: null);
                }
            }

            PrepareMap(extents);
            lock (_appendLock)
            {
                Gate.Check();
                ThrowIfFailed();
                if (!aligned)
                {
                    WritePlan.Add(batch, extents, _readOld ??= ReadOldBlock);
                }

                last = batch.ExtentCount == 0 ? _appended : AppendLocked(batch);
                Volatile.Write(ref _written, last);
            }
        }
        finally
        {
            batch.End();
        }

        SignalAppend();
        if (forceUnitAccess)
        {
            Interlocked.Increment(ref _flushesAsked);
            Barrier?.BeginFlush(new SequenceNumber(last));
            FlushUpTo(last);
        }

        var written = 0L;
        foreach (var extent in extents)
        {
            written += extent.Data.Length;
        }

        Counters.Writes.Add(written, extents.Length);
        if (Barrier is not { IsEngaged: true })
        {
            Confirm(default);
            return default;
        }

        return new WriteTicket(new SequenceNumber(last), forceUnitAccess ? new SequenceNumber(last) : SequenceNumber.Zero);
    }

    public void Confirm(WriteTicket ticket)
    {
        if (Barrier is { } barrier)
        {
            barrier.WaitWritten(ticket.Written);
            if (ticket.Flushed != SequenceNumber.Zero)
            {
                barrier.WaitFlushed(ticket.Flushed);
            }
        }

        // A process that was frozen between the check and here must not answer a write after its lease has lapsed; what it appended is found as divergence.
        Gate.Check();
    }

    public void BeginConfirm(WriteTicket ticket) => Barrier?.Begin(ticket);

    public bool TryConfirm(WriteTicket ticket)
    {
        if (Barrier is { } barrier && !barrier.IsConfirmed(ticket))
        {
            return false;
        }

        Gate.Check();
        return true;
    }

    public bool Await(WriteTicket ticket, ConfirmationWaiter waiter) => Barrier is { } barrier && barrier.Await(ticket, waiter);

    public void Forget(ConfirmationWaiter waiter) => Barrier?.Forget(waiter);

    /// <summary>A clone of an old point may have to read indexes before it can say what these blocks were; not while others wait.</summary>
    private void PrepareMap(ReadOnlySpan<WriteExtent> extents)
    {
        var map = _map;
        foreach (var extent in extents)
        {
            map.Prepare(extent.Offset >> StoreLimits.BlockShift, (extent.Length + StoreLimits.BlockBytes - 1) >> StoreLimits.BlockShift);
        }
    }

    public void Flush()
    {
        Interlocked.Increment(ref _flushesAsked);
        var written = Volatile.Read(ref _written);
        var appended = Volatile.Read(ref _appended);
        var barrier = Barrier;
        barrier?.BeginFlush(new SequenceNumber(appended));
        FlushUpTo(appended);
        barrier?.WaitFlushed(new SequenceNumber(appended));
        if (written > Volatile.Read(ref _vouched))
        {
            // "Will still be there" is a promise for the volume, not for this copy: whoever no longer owns it cannot give it, and a commit that rests on it must fail. One that says nothing new is answered.
            RequireOwner();
            Volatile.Write(ref _vouched, written);
        }
    }

    private void RequireOwner()
    {
        var state = State;
        if (HasLapsed || state.Role != VolumeRole.Primary || state.PrimaryEpoch < state.Epoch)
        {
            throw new BlockDeviceException(BlockError.NotPermitted, $"Volume {Name} was flushed here, but cannot promise that it stays: {Gate.WhyShut ?? "another copy may be the owner by now"}.");
        }
    }

    public bool HasLapsed => Gate.LeaseLapsed;

    private WritePlan.ReadOldBlock? _readOld;

    private void ReadOldBlock(long block, Span<byte> destination) => BlockReader.Read(_map, _context.Layers, block << StoreLimits.BlockShift, destination);

    /// <summary>Group commit: one flush covers everybody who waited for the lock meanwhile.</summary>
    private void FlushUpTo(long sequence)
    {
        if (Volatile.Read(ref _durable) >= sequence && _failure is null)
        {
            return;
        }

        var failedNow = false;
        lock (_syncLock)
        {
            ThrowIfFailed();
            if (_durable < sequence)
            {
                failedNow = !TryFlushLocked(out _);
            }
        }

        if (failedNow)
        {
            ThrowIfFailed();
        }
    }

    private void FlushLocked()
    {
        if (!TryFlushLocked(out var errno))
        {
            throw new DiskException(_head.File.File.Path, "flushed", errno);
        }
    }

    /// <summary>Under the sync lock, which keeps the head from changing. A flush that failed is never tried again.</summary>
    private bool TryFlushLocked(out int errno)
    {
        var head = _head;
        var appended = Volatile.Read(ref _appended);
        errno = 0;
        if (_durable >= appended)
        {
            return true;
        }

        MakeRoomLocked(head);
        var started = _context.Time.GetTimestamp();
        errno = head.File.File.TrySyncData();
        VolumeInstruments.Flushed(Name, _context.Time.GetElapsedTime(started));
        if (errno != 0)
        {
            Fail($"{head.File.File.Path} could not be flushed: {Posix.Describe(errno)}");
            return false;
        }

        Volatile.Write(ref _durable, appended);
        StoreFaults.Pass(CrashPoints.FlushSynced);
        _superblock.WriteMark(new FlushMark(head.Record.Number, appended, _manifest.Records));
        return true;
    }

    /// <summary>Under the append lock: one system call puts the batch behind the last one; then it is made visible. Returns its last sequence number.</summary>
    private long AppendLocked(BatchBuilder batch)
    {
        var state = State;
        var microseconds = Math.Max(BatchHeader.ToMicroseconds(_context.Time.GetUtcNow()), _lastMicroseconds);
        var checksum = batch.Finish(new BatchHeader
        {
            VolumeId = state.Volume.Guid,
            Generation = state.Generations[^1].Generation.Guid,
            FirstSequence = _appended + 1,
            TimeMicroseconds = microseconds,
            Durable = Volatile.Read(ref _durable),
            PreviousChecksum = _chain ?? 0,
        });
        var head = _head;
        var offset = head.Tail;
        CheckWrittenLocked(head, batch.TryWriteTo(head.File.File, offset), offset);
        var dataOffset = offset + batch.DataOffset;
        for (var i = 0; i < batch.ExtentCount; i++)
        {
            var extent = batch.Descriptor(i);
            if (extent.Kind == ExtentKind.Zero)
            {
                _map.Clear(extent.FirstBlock, extent.BlockCount, head.File.Slot);
                continue;
            }

            var index = batch.DataIndex(i);
            for (var block = 0; block < extent.BlockCount; block++, index++)
            {
                _map.Set(extent.FirstBlock + block, new BlockLocation(head.File.Slot, dataOffset + ((long)index << StoreLimits.BlockShift)), batch.Checksum(index));
            }
        }

        PublishAppendLocked(head, offset + batch.TotalBytes, _appended + batch.ExtentCount, microseconds, checksum);
        return _appended;
    }

    private void CheckWrittenLocked(Layer head, int errno, long offset)
    {
        if (errno == 0)
        {
            StoreFaults.Pass(CrashPoints.BatchWritten);
            return;
        }

        // What came onto the disk before the error is not part of the volume: cut it, so that nobody ever takes it for a batch.
        var cut = head.File.File.TryTruncate(offset);
        head.RoomEnd = 0;
        if (Posix.IsFull(errno) && cut == 0)
        {
            throw new BlockDeviceException(BlockError.NoSpace, $"The disk of volume {Name} is full; the write was refused.");
        }

        Fail($"{head.File.File.Path} could not be written: {Posix.Describe(errno)}");
        throw new BlockDeviceException(BlockError.IO, $"Volume {Name} has stopped: {_failure}.");
    }

    private void PublishAppendLocked(Layer head, long tail, long last, long microseconds, uint chain)
    {
        Volatile.Write(ref _appendedBytes, _appendedBytes + tail - head.Tail);
        if (_forecast.AtAppend(Volatile.Read(ref _flushesAsked), tail - head.Tail))
        {
            Volatile.Write(ref _flushExpected, last);
        }

        head.Tail = tail;
        _chain = chain;
        _lastMicroseconds = microseconds;
        Volatile.Write(ref _appended, last);
        if (tail - head.BehindTo >= WriteBehind.PieceBytes)
        {
            // Whole pages only: the last one is going to be written again. Posting is a few instructions, which is why it may be done under the lock.
            var end = tail & ~(StoreLimits.BlockBytes - 1L);
            _context.Behind.Post(head.File, head.BehindTo, end);
            head.BehindTo = end;
        }
    }
}
