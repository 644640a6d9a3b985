namespace Dr.Crash.Child.Copying;

/// <summary>The system's time, moved; it can be made to stand still for whoever measures or waits by it.</summary>
internal sealed class ShiftedTime : TimeProvider
{
    private volatile bool _standsStill;
    private long _stoodAt;

    public TimeSpan Offset { get; set; }

    /// <summary>While set nothing takes any time, and no timer does anything: what only a timer would put right stays wrong.</summary>
    public bool StandsStill
    {
        get => _standsStill;
        set
        {
            Volatile.Write(ref _stoodAt, base.GetTimestamp());
            _standsStill = value;
        }
    }

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Offset;

    public override long GetTimestamp() => _standsStill ? Volatile.Read(ref _stoodAt) : base.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => base.CreateTimer(
        given =>
        {
            if (!_standsStill)
            {
                callback(given);
            }
        },
        state,
        dueTime,
        period);
}
