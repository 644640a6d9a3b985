using Dr.Edge.Volumes.Writing;

namespace Dr.Edge.Volumes;

/// <content>Flushes that clients are about to ask for.</content>
internal sealed partial class Volume
{
    // Under the append lock.
    private FlushForecast _forecast;

    // Flushes that clients asked for; counted without a lock.
    private long _flushesAsked;

    // The last write that a flush is expected for; written under the append lock.
    private long _flushExpected;

    public bool ExpectsFlush => Volatile.Read(ref _flushExpected) > Volatile.Read(ref _durable);

    public void FlushAhead()
    {
        // Whoever has the lock flushes, or takes so long that waiting here would keep this connection's client from its next request.
        if (!_syncLock.TryEnter())
        {
            return;
        }

        try
        {
            if (!_closed && Fault is null)
            {
                _ = TryFlushLocked(out _);
            }
        }
        finally
        {
            _syncLock.Exit();
        }
    }
}
