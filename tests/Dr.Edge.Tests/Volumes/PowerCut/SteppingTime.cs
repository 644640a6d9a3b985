namespace Dr.Edge.Tests.Volumes.PowerCut;

/// <summary>A clock that shows what it is set to; timers and measuring go on as ever.</summary>
internal sealed class SteppingTime : TimeProvider
{
    private long _ticks = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero).UtcTicks;

    public override DateTimeOffset GetUtcNow() => new(Interlocked.Read(ref _ticks), TimeSpan.Zero);

    public DateTimeOffset Step()
    {
        Interlocked.Add(ref _ticks, TimeSpan.TicksPerMillisecond * 7);
        return GetUtcNow();
    }
}
