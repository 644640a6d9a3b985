namespace Dr.Silo.Decisions.Detection;

/// <summary>
/// How long a device may be silent that whoever watches it has not heard yet. He has only just begun, so nothing of before counts: a device that lives is heard within its class's deadline of idle hours, the longer one,
/// because he knows of no promise.
/// </summary>
public static class FirstHearing
{
    /// <summary>The silo itself has only just begun: devices may have to find their brokers first, a whole fleet at once.</summary>
    public const int DeadlinesAfterAStart = 2;

    /// <summary>When its silence means something.</summary>
    /// <param name="of">The device's class.</param>
    /// <param name="period">The longest period that it may be told to beat in; null = its class's.</param>
    /// <param name="began">When he began to watch it.</param>
    /// <param name="siloStarted">When the silo began that he is on. When that is long ago it is only the watcher who has moved, from a silo that is gone: devices are connected as before, and another silo hears their
    /// partition as soon as it has read who is there (within 3 s), so one deadline is enough (5 s for a host that beats every second).</param>
    /// <param name="trustedSince">Since when beats reach that silo without interruption: trouble of its own costs everybody a whole deadline, as it does those who were heard.</param>
    public static DateTimeOffset LimitAt(BeatClass of, TimeSpan? period, DateTimeOffset began, DateTimeOffset siloStarted, DateTimeOffset trustedSince)
    {
        ArgumentNullException.ThrowIfNull(of);
        var deadline = of.Deadline(HourClass.Idle);
        deadline = period + of.Alpha(HourClass.Idle) is { } longer && longer > deadline ? longer : deadline;
        var hasJustStarted = began - siloStarted < deadline * DeadlinesAfterAStart;
        return (began > trustedSince ? began : trustedSince) + (hasJustStarted ? deadline * DeadlinesAfterAStart : deadline);
    }
}
