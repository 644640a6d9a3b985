using Dr.Edge.Volumes;

namespace Dr.Edge.Replication;

/// <summary>
/// Holds a volume's answers back until every engaged synchronous copy has the write on its disk. While a copy is away writes stall; they fail, unanswered, as soon as the gate shuts, so
/// that nobody hangs on a volume that has lost its role. A write that failed here may still be in the log: the client was told nothing, and either outcome is right.
/// </summary>
internal sealed class SyncBarrier(Volume volume, TimeProvider time) : IWriteBarrier
{
    /// <summary>A shut gate is noticed within this even if nobody signals it.</summary>
    private static readonly TimeSpan Recheck = TimeSpan.FromMilliseconds(100);

    private readonly object _signal = new(); // Guards everything below; pulsed when something it waits for may have changed.
    private readonly Dictionary<object, Engagement> _engaged = [];
    private int _waiting;
    private long _waitingSince;
    private volatile bool _any;

    /// <summary>From the return on every write waits for this copy.</summary>
    /// <param name="copy">Who it is; any object.</param>
    public void Engage(object copy, SequenceNumber durable)
    {
        lock (_signal)
        {
            _engaged[copy] = new Engagement(durable, time.GetTimestamp());
            _any = true;
        }
    }

    public void Disengage(object copy)
    {
        lock (_signal)
        {
            _engaged.Remove(copy);
            _any = _engaged.Count > 0;
            Monitor.PulseAll(_signal);
        }
    }

    public void Acknowledged(object copy, SequenceNumber durable)
    {
        lock (_signal)
        {
            if (_engaged.TryGetValue(copy, out var old) && durable > old.Durable)
            {
                _engaged[copy] = new Engagement(durable, time.GetTimestamp());
                Monitor.PulseAll(_signal);
            }
        }
    }

    /// <summary>For how long somebody has been waiting without this copy getting on; zero when nobody waits.</summary>
    public TimeSpan StalledFor(object copy)
    {
        lock (_signal)
        {
            return _waiting > 0 && _engaged.TryGetValue(copy, out var engagement) ? time.GetElapsedTime(Math.Max(_waitingSince, engagement.MovedAt)) : TimeSpan.Zero;
        }
    }

    public void WaitWritten(SequenceNumber last)
    {
        if (!_any)
        {
            return;
        }

        lock (_signal)
        {
            if (!IsEverywhere(last))
            {
                Wait(last);
            }

            // A volume that loses its role lets its copies go: that must not look like their consent.
            if (_engaged.Count == 0)
            {
                RequireOwner();
            }
        }
    }

    private void Wait(SequenceNumber last)
    {
        if (_waiting++ == 0)
        {
            _waitingSince = time.GetTimestamp();
        }

        try
        {
            while (!IsEverywhere(last))
            {
                RequireOwner();
                Monitor.Wait(_signal, Recheck);
            }
        }
        finally
        {
            _waiting--;
        }
    }

    private void RequireOwner()
    {
        if (volume.Role != VolumeRole.Primary || volume.Gate.WhyShut is not null)
        {
            throw new BlockDeviceException(BlockError.Shutdown, $"Not confirmed by the synchronous copy: {volume.Gate.WhyShut ?? "no longer primary"}.");
        }
    }

    private bool IsEverywhere(SequenceNumber last)
    {
        foreach (var engagement in _engaged.Values)
        {
            if (engagement.Durable < last)
            {
                return false;
            }
        }

        return true;
    }

    [System.Runtime.InteropServices.StructLayout(System.Runtime.InteropServices.LayoutKind.Auto)]
    private readonly record struct Engagement(SequenceNumber Durable, long MovedAt);
}
