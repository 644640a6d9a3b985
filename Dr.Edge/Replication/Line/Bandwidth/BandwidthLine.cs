namespace Dr.Edge.Replication.Line.Bandwidth;

/// <summary>A <see cref="FairBucket"/> on the clock: flows wait here until they may send.</summary>
internal sealed class BandwidthLine : IDisposable
{
    /// <summary>A timer that fires sooner only fires for nothing.</summary>
    private static readonly TimeSpan ShortestWait = TimeSpan.FromMilliseconds(1);

    private readonly Lock _lock = new(); // Guards everything below; held for arithmetic only.
    private readonly FairBucket _bucket;
    private readonly Dictionary<FairFlow, TaskCompletionSource> _waiters = [];
    private readonly TimeProvider _time;
    private readonly long _started;
    private readonly ITimer _timer;
    private long _unlimitedBytes;

    /// <param name="bytesPerSecond">Null = unlimited.</param>
    public BandwidthLine(double? bytesPerSecond, TimeProvider time)
    {
        (_time, _started, _bucket) = (time, time.GetTimestamp(), new FairBucket(bytesPerSecond));
        _timer = time.CreateTimer(_ => Serve(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public int Waiting
    {
        get
        {
            lock (_lock)
            {
                return _bucket.Waiting;
            }
        }
    }

    /// <summary>Let through since the start.</summary>
    public long GrantedBytes
    {
        get
        {
            lock (_lock)
            {
                return _bucket.GrantedBytes + _unlimitedBytes;
            }
        }
    }

    /// <summary>At once, also for those who wait; null = unlimited.</summary>
    public void SetRate(double? bytesPerSecond)
    {
        lock (_lock)
        {
            _bucket.SetRate(bytesPerSecond, Now);
            ServeLocked();
        }
    }

    public void SetFirst(FairFlow flow, bool first)
    {
        lock (_lock)
        {
            _bucket.SetFirst(flow, first);
        }
    }

    /// <summary>Returns when the flow may send <paramref name="bytes"/>; one request of a flow at a time.</summary>
    /// <exception cref="OperationCanceledException">Cancelled: nothing was taken.</exception>
    public async ValueTask TakeAsync(FairFlow flow, long bytes, CancellationToken cancellationToken)
    {
        TaskCompletionSource waiter;
        lock (_lock)
        {
            if (_bucket.IsUnlimited || bytes == 0)
            {
                _unlimitedBytes += bytes;
                return;
            }

            _bucket.Ask(flow, bytes);
            waiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiters.Add(flow, waiter);
            ServeLocked();
        }

        await using var registration = cancellationToken.Register(() => Cancel(flow, waiter, cancellationToken));
        await waiter.Task;
    }

    public void Dispose() => _timer.Dispose();

    private TimeSpan Now => _time.GetElapsedTime(_started);

    private void Cancel(FairFlow flow, TaskCompletionSource waiter, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            // Served meanwhile: then it may send.
            if (_waiters.Remove(flow, out _))
            {
                _bucket.Withdraw(flow);
                waiter.TrySetCanceled(cancellationToken);
                ServeLocked();
            }
        }
    }

    private void Serve()
    {
        lock (_lock)
        {
            ServeLocked();
        }
    }

    private void ServeLocked()
    {
        var done = new List<FairFlow>();
        var wait = _bucket.Serve(Now, done);
        foreach (var flow in done)
        {
            if (_waiters.Remove(flow, out var waiter))
            {
                waiter.TrySetResult();
            }
        }

        _timer.Change(wait is { } time ? (time > ShortestWait ? time : ShortestWait) : Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }
}
