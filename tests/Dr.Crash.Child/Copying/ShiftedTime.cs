namespace Dr.Crash.Child.Copying;

/// <summary>The system's time, moved; its timers can be made to be heard by nobody.</summary>
internal sealed class ShiftedTime : TimeProvider
{
    private volatile bool _timersRest;

    public TimeSpan Offset { get; set; }

    /// <summary>While set no timer does anything: what only a timer would put right stays wrong.</summary>
    public bool TimersRest
    {
        get => _timersRest;
        set => _timersRest = value;
    }

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Offset;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => base.CreateTimer(
        given =>
        {
            if (!_timersRest)
            {
                callback(given);
            }
        },
        state,
        dueTime,
        period);
}
