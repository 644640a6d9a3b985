using Dr.Edge.Volumes;

namespace Dr.Edge.Replication;

/// <summary>
/// Holds a volume's answers back until every engaged synchronous copy has what they are about: a write in its log (or, where that was asked for, on its disk), a flush on its disk. While a copy is away answers stall; they
/// fail as soon as the gate shuts, so that nobody hangs on a volume that has lost its role. A write that failed here may still be in the log: the client was told nothing, and either outcome is right.
/// <para>Both watermarks of a copy only grow while it is engaged, although one that lost its power comes back with less in its log than it once had: it takes what it lost again before anything new, so a position that it
/// reaches later stands for all before it.</para>
/// </summary>
internal sealed class SyncBarrier(Volume volume, TimeProvider time) : IWriteBarrier
{
    /// <summary>A shut gate is noticed within this even if nobody signals it.</summary>
    private static readonly TimeSpan Recheck = TimeSpan.FromMilliseconds(100);

    /// <summary>A watermark while there is no copy that would hold anybody back.</summary>
    private const long Unbound = long.MaxValue;

    [ThreadStatic]
    private static ThreadWaiter? _ofThisThread;

    private readonly Lock _lock = new(); // Guards everything below; before a waiter's own.
    private readonly List<Engagement> _engaged = [];
    private readonly List<ConfirmationWaiter> _waiters = [];
    private long _written = Unbound; // What every engaged copy confirms; Unbound while there is none.
    private long _flushed = Unbound;
    private volatile bool _any;
    private volatile bool _abandoned;
    private volatile Action[] _pushes = []; // Of the engaged copies; replaced as a whole.

    public bool IsEngaged => _any;

    /// <summary>From the return on every write waits for this copy.</summary>
    /// <param name="copy">Who it is; any object.</param>
    /// <param name="askToFlush">Has the copy flush up to a position; called on writers' threads, returns at once.</param>
    /// <param name="push">Brings what is appended on its way to the copy; called on the threads of writers that are going to wait for it, under no lock.</param>
    public void Engage(object copy, SequenceNumber durable, MirrorAck ack, Action<SequenceNumber> askToFlush, Action push)
    {
        ThreadWaiter? released;
        lock (_lock)
        {
            _engaged.RemoveAll(e => e.Copy == copy);
            _engaged.Add(new Engagement(copy, askToFlush, push) { Ack = ack, Applied = durable.Value, Durable = durable.Value, AppliedAt = time.GetTimestamp(), DurableAt = time.GetTimestamp() });
            _any = true;
            _pushes = [.. _engaged.Select(e => e.Push)];
            released = ReviewLocked();
        }

        Wake(released);
    }

    /// <summary>What answers wait for at this copy from now on.</summary>
    public void Configure(object copy, MirrorAck ack)
    {
        ThreadWaiter? released = null;
        lock (_lock)
        {
            if (Find(copy) is { } engagement && engagement.Ack != ack)
            {
                engagement.Ack = ack;
                released = ReviewLocked();
            }
        }

        Wake(released);
    }

    public void Disengage(object copy)
    {
        ThreadWaiter? released;
        lock (_lock)
        {
            _engaged.RemoveAll(e => e.Copy == copy);
            _any = _engaged.Count > 0;
            _pushes = [.. _engaged.Select(e => e.Push)];
            released = ReviewLocked();
        }

        Wake(released);
    }

    /// <summary>Nobody hears this copy any more, and it is not recorded that writes may go without it: those that wait for it, and all later ones, fail for good, as at a shut gate.</summary>
    public void Abandon(object copy)
    {
        lock (_lock)
        {
            _abandoned |= Find(copy) is not null;
        }
    }

    public void Acknowledged(object copy, SequenceNumber applied, SequenceNumber durable)
    {
        if (!_any)
        {
            return;
        }

        ThreadWaiter? released = null;
        lock (_lock)
        {
            if (Find(copy) is not { } engagement)
            {
                return;
            }

            var moved = false;
            if (applied.Value > engagement.Applied)
            {
                (engagement.Applied, engagement.AppliedAt, moved) = (applied.Value, time.GetTimestamp(), true);
            }

            if (durable.Value > engagement.Durable)
            {
                (engagement.Durable, engagement.DurableAt, moved) = (durable.Value, time.GetTimestamp(), true);
            }

            if (moved)
            {
                released = ReviewLocked();
            }
        }

        Wake(released);
    }

    /// <summary>For how long somebody has been waiting without this copy getting on; zero when nobody waits for it.</summary>
    public TimeSpan StalledFor(object copy)
    {
        lock (_lock)
        {
            var longest = TimeSpan.Zero;
            if (Find(copy) is { } engagement)
            {
                foreach (var waiter in _waiters)
                {
                    // A disk that hangs while the log goes on being written is found by those who wait for the disk.
                    var movedAt = engagement.Confirms < waiter.Ticket.Written.Value ? engagement.ConfirmsAt : engagement.Durable < waiter.Ticket.Flushed.Value ? engagement.DurableAt : long.MaxValue;
                    if (movedAt != long.MaxValue && time.GetElapsedTime(Math.Max(waiter.Since, movedAt)) is var stalled && stalled > longest)
                    {
                        longest = stalled;
                    }
                }
            }

            return longest;
        }
    }

    public void BeginFlush(SequenceNumber last)
    {
        if (!_any || Volatile.Read(ref _flushed) >= last.Value)
        {
            return;
        }

        lock (_lock)
        {
            foreach (var engagement in _engaged)
            {
                if (engagement.Durable < last.Value)
                {
                    engagement.AskToFlush(last);
                }
            }
        }
    }

    public void WaitWritten(SequenceNumber last) => Wait(new WriteTicket(last, SequenceNumber.Zero));

    public void WaitFlushed(SequenceNumber last) => Wait(new WriteTicket(SequenceNumber.Zero, last));

    public void Begin(WriteTicket ticket)
    {
        if (!_any)
        {
            return;
        }

        lock (_lock)
        {
            AskToFlushLocked(ticket);
        }

        Push();
    }

    public bool IsConfirmed(WriteTicket ticket)
    {
        var (written, flushed) = (Volatile.Read(ref _written), Volatile.Read(ref _flushed));
        if (written != Unbound && flushed != Unbound && written >= ticket.Written.Value && flushed >= ticket.Flushed.Value)
        {
            return true;
        }

        lock (_lock)
        {
            RequireOwner();
            return CoversLocked(ticket);
        }
    }

    public bool Await(WriteTicket ticket, ConfirmationWaiter waiter)
    {
        lock (_lock)
        {
            if (CoversLocked(ticket))
            {
                return false;
            }

            if (!waiter.IsListed || waiter.Ticket != ticket)
            {
                ListLocked(waiter, ticket);
            }

            return true;
        }
    }

    public void Forget(ConfirmationWaiter waiter)
    {
        lock (_lock)
        {
            RemoveLocked(waiter);
        }
    }

    private void Wait(WriteTicket ticket)
    {
        if (!_any || (Volatile.Read(ref _written) >= ticket.Written.Value && Volatile.Read(ref _flushed) >= ticket.Flushed.Value))
        {
            return;
        }

        var waiter = _ofThisThread ??= new ThreadWaiter();
        lock (_lock)
        {
            if (CoversLocked(ticket))
            {
                RequireOwnerIfAlone();
                return;
            }

            waiter.Parker.Arm();
            ListLocked(waiter, ticket);
            AskToFlushLocked(ticket);
        }

        try
        {
            if (ticket.Written > SequenceNumber.Zero)
            {
                Push();
            }

            while (!waiter.Parker.Sleep(Recheck))
            {
                RequireOwner();
            }
        }
        catch
        {
            // Never used again: it may have been let go just now, and who does that must not find another wait in it.
            _ofThisThread = null;
            Forget(waiter);
            throw;
        }

        if (waiter.IsAlone)
        {
            RequireOwner();
        }
    }

    private Engagement? Find(object copy)
    {
        foreach (var engagement in _engaged)
        {
            if (engagement.Copy == copy)
            {
                return engagement;
            }
        }

        return null;
    }

    // After every change of what the copies confirm: the ones that have theirs go, and nobody else wakes. They are woken behind the lock, which the first of them would want at once.
    private ThreadWaiter? ReviewLocked()
    {
        ThreadWaiter? released = null;
        var (written, flushed) = (Unbound, Unbound);
        foreach (var engagement in _engaged)
        {
            (written, flushed) = (Math.Min(written, engagement.Confirms), Math.Min(flushed, engagement.Durable));
        }

        Volatile.Write(ref _written, written);
        Volatile.Write(ref _flushed, flushed);
        for (var i = _waiters.Count - 1; i >= 0; i--)
        {
            var waiter = _waiters[i];
            if (waiter.Ticket.Written.Value > written || waiter.Ticket.Flushed.Value > flushed)
            {
                continue;
            }

            waiter.IsListed = false;
            _waiters[i] = _waiters[^1];
            _waiters.RemoveAt(_waiters.Count - 1);
            if (waiter is ThreadWaiter thread)
            {
                (thread.IsAlone, thread.Next, released) = (_engaged.Count == 0, released, thread);
            }
            else
            {
                // One that does not sleep here may already wait again when its turn behind the lock came.
                waiter.Wake();
            }
        }

        return released;
    }

    private static void Wake(ThreadWaiter? released)
    {
        while (released is { } waiter)
        {
            // Before it wakes: then it is its thread's again.
            (released, waiter.Next) = (waiter.Next, null);
            waiter.Wake();
        }
    }

    // True also when there is nobody who has to confirm: whether the volume may answer then is another question.
    private bool CoversLocked(WriteTicket ticket) => _engaged.Count == 0 || (_written >= ticket.Written.Value && _flushed >= ticket.Flushed.Value);

    private void ListLocked(ConfirmationWaiter waiter, WriteTicket ticket)
    {
        (waiter.Ticket, waiter.Since) = (ticket, time.GetTimestamp());
        if (!waiter.IsListed)
        {
            waiter.IsListed = true;
            _waiters.Add(waiter);
        }
    }

    private void RemoveLocked(ConfirmationWaiter waiter)
    {
        if (waiter.IsListed)
        {
            waiter.IsListed = false;
            _waiters.Remove(waiter);
        }
    }

    // What writes wait for at copies whose disk counts.
    private void AskToFlushLocked(WriteTicket ticket)
    {
        foreach (var engagement in _engaged)
        {
            if (engagement.Ack == MirrorAck.Durable && engagement.Durable < ticket.Written.Value)
            {
                engagement.AskToFlush(ticket.Written);
            }
        }
    }

    private void Push()
    {
        foreach (var push in _pushes)
        {
            push();
        }
    }

    // A volume that loses its role lets its copies go: that must not look like their consent.
    private void RequireOwnerIfAlone()
    {
        if (_engaged.Count == 0)
        {
            RequireOwner();
        }
    }

    private void RequireOwner()
    {
        var why = _abandoned ? "replication is stopping" : volume.Gate.WhyShut ?? (volume.Role == VolumeRole.Primary ? null : "no longer primary");
        if (why is not null)
        {
            throw new BlockDeviceException(BlockError.Shutdown, $"Not confirmed by the synchronous copy: {why}.");
        }
    }

    private sealed class Engagement(object copy, Action<SequenceNumber> askToFlush, Action push)
    {
        public object Copy { get; } = copy;

        public Action<SequenceNumber> AskToFlush { get; } = askToFlush;

        public Action Push { get; } = push;

        public MirrorAck Ack { get; set; }

        public long Applied { get; set; }

        public long AppliedAt { get; set; }

        public long Durable { get; set; }

        public long DurableAt { get; set; }

        /// <summary>Up to here writes may be answered. What is durable is applied, whatever a peer says.</summary>
        public long Confirms => Ack == MirrorAck.Applied ? Math.Max(Applied, Durable) : Durable;

        public long ConfirmsAt => Ack == MirrorAck.Applied ? Math.Max(AppliedAt, DurableAt) : DurableAt;
    }

    /// <summary>A thread that sleeps here. Guarded by the barrier's lock while it waits, and then by whoever lets it go until it is woken.</summary>
    private sealed class ThreadWaiter : ConfirmationWaiter
    {
        /// <summary>Let go when no copy was engaged any more, and not by what copies confirmed.</summary>
        public bool IsAlone { get; set; }

        /// <summary>The next of those that go together.</summary>
        public ThreadWaiter? Next { get; set; }

        public Parker Parker { get; } = new();

        protected internal override void Wake() => Parker.Wake();
    }
}
