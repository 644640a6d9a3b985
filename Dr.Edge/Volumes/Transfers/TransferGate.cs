namespace Dr.Edge.Volumes.Transfers;

/// <summary>One import into a volume and one export to a file at a time: two would write over each other's work.</summary>
internal sealed class TransferGate(TimeProvider time)
{
    /// <summary>A transfer that was cancelled still records how far it came; whoever repeats the command at once waits for that.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(50);
    private readonly Lock _lock = new();
    private readonly HashSet<string> _underWay = new(StringComparer.Ordinal); // Under _lock.

    /// <param name="what">What only one may do, for example <c>import into v</c>.</param>
    /// <exception cref="DrException">Another one is under way and goes on.</exception>
    public IDisposable Enter(string what, CancellationToken cancellationToken)
    {
        for (var started = time.GetTimestamp(); !TryEnter(what); cancellationToken.WaitHandle.WaitOne(Look))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (time.GetElapsedTime(started) > Patience)
            {
                throw new DrException($"Another {what} is under way.", "Wait until it is done, or cancel it with Ctrl-C where it was started.");
            }
        }

        return new Pass(this, what);
    }

    private bool TryEnter(string what)
    {
        lock (_lock)
        {
            return _underWay.Add(what);
        }
    }

    private sealed class Pass(TransferGate gate, string what) : IDisposable
    {
        public void Dispose()
        {
            lock (gate._lock)
            {
                gate._underWay.Remove(what);
            }
        }
    }
}
