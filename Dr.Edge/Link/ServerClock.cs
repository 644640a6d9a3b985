namespace Dr.Edge.Link;

/// <summary>The control plane's time, as far as known: its deadlines are judged by its own clock, not by ours.</summary>
internal sealed class ServerClock(TimeProvider time)
{
    private long _offsetTicks;

    public DateTimeOffset UtcNow => time.GetUtcNow().AddTicks(Interlocked.Read(ref _offsetTicks));

    public void OnServerTime(DateTimeOffset serverTime) => Interlocked.Exchange(ref _offsetTicks, (serverTime - time.GetUtcNow()).Ticks);
}
