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

    [ThreadStatic]
    private static Waiter? _ofThisThread;

    private readonly Lock _lock = new(); // Guards everything below; before a waiter's own.
    private readonly List<Engagement> _engaged = [];
    private readonly List<Waiter> _waiters = [];
    private long _written; // What every engaged copy confirms; of no meaning while there is none.
    private long _flushed;
    private volatile bool _any;
    private volatile Action[] _pushes = []; // Of the engaged copies; replaced as a whole.

    public bool IsEngaged => _any;

    /// <summary>From the return on every write waits for this copy.</summary>
    /// <param name="copy">Who it is; any object.</param>
    /// <param name="askToFlush">Has the copy flush up to a position; called on writers' threads, returns at once.</param>
    /// <param name="push">Brings what is appended on its way to the copy; called on the threads of writers that are going to wait for it, under no lock.</param>
    public void Engage(object copy, SequenceNumber durable, MirrorAck ack, Action<SequenceNumber> askToFlush, Action push)
    {
        Waiter? released;
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
        Waiter? released = null;
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
        Waiter? released;
        lock (_lock)
        {
            _engaged.RemoveAll(e => e.Copy == copy);
            _any = _engaged.Count > 0;
            _pushes = [.. _engaged.Select(e => e.Push)];
            released = ReviewLocked();
        }

        Wake(released);
    }

    public void Acknowledged(object copy, SequenceNumber applied, SequenceNumber durable)
    {
        if (!_any)
        {
            return;
        }

        Waiter? released = null;
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
                    var movedAt = engagement.Confirms < waiter.Written ? engagement.ConfirmsAt : engagement.Durable < waiter.Flushed ? engagement.DurableAt : long.MaxValue;
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

    public void WaitWritten(SequenceNumber last) => Wait(last.Value, 0);

    public void WaitFlushed(SequenceNumber last) => Wait(0, last.Value);

    private void Wait(long written, long flushed)
    {
        if (!_any || (Volatile.Read(ref _written) >= written && Volatile.Read(ref _flushed) >= flushed))
        {
            return;
        }

        var waiter = _ofThisThread ??= new Waiter();
        lock (_lock)
        {
            if (_engaged.Count == 0 || (_written >= written && _flushed >= flushed))
            {
                RequireOwnerIfAlone();
                return;
            }

            (waiter.Written, waiter.Flushed, waiter.Since) = (written, flushed, time.GetTimestamp());
            waiter.Parker.Arm();
            _waiters.Add(waiter);
            foreach (var engagement in _engaged)
            {
                if (engagement.Ack == MirrorAck.Durable && engagement.Durable < written)
                {
                    engagement.AskToFlush(new SequenceNumber(written));
                }
            }
        }

        try
        {
            if (written > 0)
            {
                foreach (var push in _pushes)
                {
                    push();
                }
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
            lock (_lock)
            {
                _waiters.Remove(waiter);
            }

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
    private Waiter? ReviewLocked()
    {
        Waiter? released = null;
        var (written, flushed) = (long.MaxValue, long.MaxValue);
        foreach (var engagement in _engaged)
        {
            (written, flushed) = (Math.Min(written, engagement.Confirms), Math.Min(flushed, engagement.Durable));
        }

        Volatile.Write(ref _written, written);
        Volatile.Write(ref _flushed, flushed);
        for (var i = _waiters.Count - 1; i >= 0; i--)
        {
            var waiter = _waiters[i];
            if (waiter.Written <= written && waiter.Flushed <= flushed)
            {
                _waiters[i] = _waiters[^1];
                _waiters.RemoveAt(_waiters.Count - 1);
                (waiter.IsAlone, waiter.Next, released) = (_engaged.Count == 0, released, waiter);
            }
        }

        return released;
    }

    private static void Wake(Waiter? released)
    {
        while (released is { } waiter)
        {
            // Before it wakes: then it is its thread's again.
            (released, waiter.Next) = (waiter.Next, null);
            waiter.Parker.Wake();
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
        if (volume.Role != VolumeRole.Primary || volume.Gate.WhyShut is not null)
        {
            throw new BlockDeviceException(BlockError.Shutdown, $"Not confirmed by the synchronous copy: {volume.Gate.WhyShut ?? "no longer primary"}.");
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

    /// <summary>One waiting thread. Guarded by the barrier's lock while it waits, and then by whoever lets it go until it is woken.</summary>
    private sealed class Waiter
    {
        public long Written { get; set; }

        public long Flushed { get; set; }

        public long Since { get; set; }

        /// <summary>Let go when no copy was engaged any more, and not by what copies confirmed.</summary>
        public bool IsAlone { get; set; }

        /// <summary>The next of those that go together.</summary>
        public Waiter? Next { get; set; }

        public Parker Parker { get; } = new();
    }
}
