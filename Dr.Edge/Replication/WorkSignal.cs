using System.Threading.Tasks.Sources;

namespace Dr.Edge.Replication;

/// <summary>
/// Wakes one waiter, from any thread, however often it is set meanwhile. Allocates nothing per wait. The waiter looks at everything after each return: what was there before the setter's call is seen then, or the
/// next wait returns at once.
/// </summary>
internal sealed class WorkSignal : IValueTaskSource
{
    private const int Idle = 0;
    private const int Waiting = 1;
    private const int Waking = 2;
    private const int IsSet = 3;

    // Continuations go to the pool: who sets it may be a writer that has its client to answer.
    private ManualResetValueTaskSourceCore<bool> _core = new() { RunContinuationsAsynchronously = true };
    private int _state;

    public void Set()
    {
        // A full fence also when there is nothing to do: the setter's news must not be seen later than this.
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _state) is IsSet or Waking)
        {
            return;
        }

        if (Interlocked.CompareExchange(ref _state, IsSet, Idle) == Idle)
        {
            return;
        }

        if (Interlocked.CompareExchange(ref _state, Waking, Waiting) == Waiting)
        {
            _core.SetResult(true);
            Volatile.Write(ref _state, IsSet);
        }
    }

    /// <summary>One waiter at a time, which awaits it before the next call.</summary>
    public ValueTask WaitAsync()
    {
        _core.Reset();
        if (Interlocked.CompareExchange(ref _state, Waiting, Idle) == Idle)
        {
            return new ValueTask(this, _core.Version);
        }

        Interlocked.Exchange(ref _state, Idle);
        return ValueTask.CompletedTask;
    }

    void IValueTaskSource.GetResult(short token)
    {
        // The setter may still be on its way out: the core must not be used for the next wait before it is.
        var spin = default(SpinWait);
        while (Volatile.Read(ref _state) != IsSet)
        {
            spin.SpinOnce();
        }

        _core.GetResult(token);
        Interlocked.Exchange(ref _state, Idle);
    }

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) => _core.OnCompleted(continuation, state, token, flags);
}
