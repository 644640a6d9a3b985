namespace Dr.Edge.Volumes.Background;

/// <summary>
/// Holds background work back so that clients hardly notice it: one pacer for each loop, all of one set looking at the same clients. <see cref="Wait"/> is called before each piece, outside every lock.
/// </summary>
/// <param name="clientOperations">Operations of clients so far, all volumes of the disk together.</param>
internal sealed class WorkPacer(WorkLimits limits, Func<long> clientOperations, TimeProvider time)
{
    private readonly Lock _lock = new(); // Guards _budget.
    private readonly WorkBudget _budget = new(limits);
    private readonly long _start = time.GetTimestamp();
    private long _bytes;
    private volatile bool _hurry;

    /// <summary>True while the work must get through whatever clients do (it makes the space that they need): nothing waits.</summary>
    public bool Hurry
    {
        get => _hurry;
        set => _hurry = value;
    }

    /// <summary>Bytes of work granted so far.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    public WorkLimits Limits
    {
        get
        {
            lock (_lock)
            {
                return _budget.Limits;
            }
        }

        set
        {
            lock (_lock)
            {
                _budget.Limits = value;
            }
        }
    }

    /// <summary>Blocks the calling thread, which must be one of background work, until <paramref name="bytes"/> may be read or written.</summary>
    /// <exception cref="OperationCanceledException">Cancelled while waiting.</exception>
    public void Wait(long bytes, CancellationToken cancellationToken)
    {
        while (Ask(bytes) is var wait && wait > TimeSpan.Zero)
        {
            // Task.Delay and not a sleep: the time is the injected one, and cancelling ends it.
            Task.Delay(wait, time, cancellationToken).GetAwaiter().GetResult();
        }
    }

    public async ValueTask WaitAsync(long bytes, CancellationToken cancellationToken)
    {
        while (Ask(bytes) is var wait && wait > TimeSpan.Zero)
        {
            await Task.Delay(wait, time, cancellationToken);
        }
    }

    private TimeSpan Ask(long bytes)
    {
        TimeSpan wait;
        lock (_lock)
        {
            wait = _hurry ? TimeSpan.Zero : _budget.Take(time.GetElapsedTime(_start), clientOperations(), bytes);
        }

        if (wait == TimeSpan.Zero)
        {
            Interlocked.Add(ref _bytes, bytes);
        }

        return wait;
    }
}
