using Dr.Contracts.Ids;
using Dr.Edge.Volumes;

namespace Dr.Edge.Tests.Nbd;

/// <summary>A device in memory whose writes may be answered when the test says so, as those of a volume with a synchronous copy.</summary>
internal sealed class LateDevice(int sizeBytes) : IBlockDevice
{
    private readonly MemoryDevice _memory = new(sizeBytes);
    private readonly object _changed = new(); // Guards everything below.
    private readonly List<ConfirmationWaiter> _waiters = [];
    private long _appended;
    private long _confirmed;
    private bool _isOver;

    public long SizeBytes => _memory.SizeBytes;

    public bool IsReadOnly => false;

    public long Appended
    {
        get
        {
            lock (_changed)
            {
                return _appended;
            }
        }
    }

    /// <summary>Writes that may be answered: the first so many.</summary>
    public void ConfirmUpTo(long count)
    {
        lock (_changed)
        {
            _confirmed = count;
            foreach (var waiter in _waiters.Where(w => w.Ticket.Written.Value <= count).ToArray())
            {
                _waiters.Remove(waiter);
                waiter.Wake();
            }

            Monitor.PulseAll(_changed);
        }
    }

    /// <summary>Nothing more is confirmed, and nobody is woken for it.</summary>
    public void EndRight()
    {
        lock (_changed)
        {
            _isOver = true;
            Monitor.PulseAll(_changed);
        }
    }

    public WriteTicket BeginWrite(ReadOnlySpan<WriteExtent> extents, bool forceUnitAccess)
    {
        _memory.Write(extents, forceUnitAccess);
        lock (_changed)
        {
            _appended += extents.Length;
            return new WriteTicket(new SequenceNumber(_appended), SequenceNumber.Zero);
        }
    }

    public void Write(ReadOnlySpan<WriteExtent> extents, bool forceUnitAccess) => Confirm(BeginWrite(extents, forceUnitAccess));

    public void Confirm(WriteTicket ticket)
    {
        lock (_changed)
        {
            while (!IsConfirmedLocked(ticket))
            {
                Monitor.Wait(_changed, TimeSpan.FromSeconds(60)).ShouldBeTrue("a write was never confirmed");
            }
        }
    }

    public bool TryConfirm(WriteTicket ticket)
    {
        lock (_changed)
        {
            return IsConfirmedLocked(ticket);
        }
    }

    public bool Await(WriteTicket ticket, ConfirmationWaiter waiter)
    {
        lock (_changed)
        {
            // A right that is over shows at the look that follows, as with a real volume: waiting for it does not throw.
            if (_isOver || IsConfirmedLocked(ticket))
            {
                return false;
            }

            waiter.Ticket = ticket;
            _waiters.Remove(waiter);
            _waiters.Add(waiter);
            return true;
        }
    }

    public void Forget(ConfirmationWaiter waiter)
    {
        lock (_changed)
        {
            _waiters.Remove(waiter);
        }
    }

    public void Read(long offset, Span<byte> destination) => _memory.Read(offset, destination);

    public void Flush() => _memory.Flush();

    public void GetAllocation(long offset, long length, int maxRuns, List<AllocationRun> runs) => _memory.GetAllocation(offset, length, maxRuns, runs);

    private bool IsConfirmedLocked(WriteTicket ticket) =>
        _isOver ? throw new BlockDeviceException(BlockError.NotPermitted, "the right to serve is over") : ticket.Written.Value <= _confirmed;
}
