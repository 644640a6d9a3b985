namespace Dr.Simulator.Load;

/// <summary>What the devices count, from any thread.</summary>
internal sealed class LoadCounters
{
    private long _sent;
    private long _acknowledged;
    private long _connects;
    private long _reconnects;
    private long _failures;
    private int _connected;
    private int _mostConnected;
    private string? _lastFailure;

    public long BeatsSent => Interlocked.Read(ref _sent);

    public long Acknowledgements => Interlocked.Read(ref _acknowledged);

    public long Connects => Interlocked.Read(ref _connects);

    public long Reconnects => Interlocked.Read(ref _reconnects);

    public long Failures => Interlocked.Read(ref _failures);

    public int ConnectedNow => Volatile.Read(ref _connected);

    public int MostConnected => Volatile.Read(ref _mostConnected);

    public string? LastFailure => Volatile.Read(ref _lastFailure);

    public void Sent() => Interlocked.Increment(ref _sent);

    public void Acknowledged() => Interlocked.Increment(ref _acknowledged);

    public void Connected(bool again)
    {
        Interlocked.Increment(ref _connects);
        if (again)
        {
            Interlocked.Increment(ref _reconnects);
        }

        var now = Interlocked.Increment(ref _connected);
        for (var most = MostConnected; now > most && Interlocked.CompareExchange(ref _mostConnected, now, most) != most; most = MostConnected)
        {
        }
    }

    public void Disconnected() => Interlocked.Decrement(ref _connected);

    public void Failed(string why)
    {
        Interlocked.Increment(ref _failures);
        Volatile.Write(ref _lastFailure, why);
    }
}
