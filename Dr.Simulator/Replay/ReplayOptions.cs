using Dr.Silo.Decisions.Detection;
using Dr.Simulator.World;

namespace Dr.Simulator.Replay;

/// <summary>What is to be replayed how. The defaults are the product as it is; the others are for comparing.</summary>
internal sealed record ReplayOptions
{
    public ulong Seed { get; init; } = 1;

    /// <summary>Null = each system's own class, with busy and idle hours; otherwise one period for all, day and night.</summary>
    public BeatClass? FixedBeats { get; init; }

    /// <summary>Users' machines report what they reach.</summary>
    public bool Witnesses { get; init; } = true;

    public CopyPlan Copy { get; init; } = CopyPlan.Stream;

    /// <summary>A whole site is lost: systems go over in the waves of its run, and whoever can is asked as a witness.</summary>
    public SiteLoss? Site { get; init; }

    /// <summary>Write down every step of every fault. Sums do not need it, and it takes most of the time.</summary>
    public bool Stories { get; init; } = true;

    /// <summary>One period for all, and a suspect after three of them in silence: what is customary.</summary>
    public static BeatClass Fixed(TimeSpan period) => new($"fixed-{period.TotalSeconds:0}s", period, period, period * 3, period * 3);
}
