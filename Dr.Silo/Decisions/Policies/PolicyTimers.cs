using Dr.Silo.Decisions.Failover;

namespace Dr.Silo.Decisions.Policies;

/// <summary>The timers that must fit together for a lease to protect anything and for a takeover to keep its promise.</summary>
public sealed record PolicyTimers
{
    public TimeSpan? LeaseTtl { get; init; } = LeaseClock.DefaultTtl;

    /// <summary>The serving side's beat, with which it renews.</summary>
    public TimeSpan BeatPeriod { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Silence after which it is a suspect.</summary>
    public TimeSpan DetectionDeadline { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Expected time to promote, start, repoint and check, from the drills.</summary>
    public TimeSpan StartTime { get; init; } = TimeSpan.FromSeconds(30);
}
