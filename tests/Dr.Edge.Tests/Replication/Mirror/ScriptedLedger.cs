using Dr.Edge.Replication.Mirror;
using Dr.Edge.Volumes;

namespace Dr.Edge.Tests.Replication.Mirror;

/// <summary>Records at once, or when it is told to.</summary>
internal sealed class ScriptedLedger : IMirrorLedger
{
    private volatile TaskCompletionSource _held = Done();
    private int _asked;
    private int _failures;

    public int Asked => Volatile.Read(ref _asked);

    public void Holds()
    {
        Volatile.Write(ref _asked, 0);
        _held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    public void Records() => _held.TrySetResult();

    public void Fails(int times) => Volatile.Write(ref _failures, times);

    public Task NoteAsync(Volume volume, string peer, long record, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _asked);
        if (Interlocked.Decrement(ref _failures) >= 0)
        {
            throw new NotSupportedException("a fault that nobody thought of");
        }

        return _held.Task.WaitAsync(cancellationToken);
    }

    public void Changed()
    {
    }

    private static TaskCompletionSource Done()
    {
        var done = new TaskCompletionSource();
        done.SetResult();
        return done;
    }
}
