using Dr.Edge.Volumes;

namespace Dr.Edge.Replication;

/// <summary>
/// Holds a volume's answers back until every engaged synchronous copy has the write on its disk. While a copy is away writes stall; they fail, unanswered, as soon as the gate shuts, so
/// that nobody hangs on a volume that has lost its role. A write that failed here may still be in the log: the client was told nothing, and either outcome is right.
/// </summary>
internal sealed class SyncBarrier(Volume volume) : IWriteBarrier
{
    /// <summary>A shut gate is noticed within this even if nobody signals it.</summary>
    private static readonly TimeSpan Recheck = TimeSpan.FromMilliseconds(100);

    private readonly object _signal = new(); // Guards _engaged; pulsed when something it waits for may have changed.
    private readonly Dictionary<SourceCopy, SequenceNumber> _engaged = [];
    private volatile bool _any;

    /// <summary>From the return on every write waits for this copy.</summary>
    public void Engage(SourceCopy copy, SequenceNumber durable)
    {
        lock (_signal)
        {
            _engaged[copy] = durable;
            _any = true;
        }
    }

    public void Disengage(SourceCopy copy)
    {
        lock (_signal)
        {
            _engaged.Remove(copy);
            _any = _engaged.Count > 0;
            Monitor.PulseAll(_signal);
        }
    }

    public void Acknowledged(SourceCopy copy, SequenceNumber durable)
    {
        lock (_signal)
        {
            if (_engaged.TryGetValue(copy, out var old) && durable > old)
            {
                _engaged[copy] = durable;
                Monitor.PulseAll(_signal);
            }
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
            while (!IsEverywhere(last))
            {
                RequireOwner();
                Monitor.Wait(_signal, Recheck);
            }

            // A volume that loses its role lets its copies go: that must not look like their consent.
            if (_engaged.Count == 0)
            {
                RequireOwner();
            }
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
        foreach (var durable in _engaged.Values)
        {
            if (durable < last)
            {
                return false;
            }
        }

        return true;
    }
}
