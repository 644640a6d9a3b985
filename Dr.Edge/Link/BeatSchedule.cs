namespace Dr.Edge.Link;

/// <summary>What a beat promises, and when the next one is really sent.</summary>
internal readonly record struct BeatPlan(TimeSpan Promise, TimeSpan Wait, HourClass HourClass);

/// <summary>
/// Decides the period. Pure. A beat may promise a longer period than before, but the device keeps to the shorter one until a beat with the longer promise
/// was acknowledged: with that beat lost, the control plane still counts on the shorter one. Shortening is always safe and takes effect at once.
/// </summary>
internal static class BeatSchedule
{
    /// <summary>However strained the machine is, its beats are stretched to this at the most.</summary>
    private const double MostStretch = 2;

    private const double Jitter = 0.1;
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(100);

    /// <summary>The period the configuration asks for now; the more strained the machine is, the longer, up to twice as long but never longer than the next class.</summary>
    public static TimeSpan Target(DeviceConfig config, HourClass hourClass, LoadReport load)
    {
        var busy = TimeSpan.FromMilliseconds(config.BusyPeriodMs);
        var idle = TimeSpan.FromMilliseconds(Math.Max(config.IdlePeriodMs, config.BusyPeriodMs));
        var period = hourClass == HourClass.Busy ? busy : idle;
        var stretched = Min(period * Stretch(config.Load, load), hourClass == HourClass.Busy ? idle : idle * MostStretch);
        return stretched < Shortest ? Shortest : stretched;
    }

    /// <summary>1 while processors, queue and response time are within their limits; above, as far as the worst of them is over its own, up to <see cref="MostStretch"/>.</summary>
    public static double Stretch(LoadLimits limits, LoadReport load)
    {
        // A share of processors cannot go far above its limit: what is left to all of them counts.
        var cpu = limits.Cpu is > 0 and < 1 && load.Cpu > limits.Cpu ? 1 + ((load.Cpu - limits.Cpu) / (1 - limits.Cpu)) : 1;
        var queue = limits.QueueLength > 0 ? (double)load.QueueLength / limits.QueueLength : 1;
        var response = limits.ResponseMs > 0 ? load.ResponseMs / limits.ResponseMs : 1;
        return Math.Clamp(Math.Max(cpu, Math.Max(queue, response)), 1, MostStretch);
    }

    /// <param name="target">What <see cref="Target"/> asks for.</param>
    /// <param name="acknowledged">The promise of the newest acknowledged beat of this session; null before the first.</param>
    /// <param name="shortest">The configuration's shortest period: where a session starts.</param>
    /// <param name="random">0–1, spreads the fleet's beats.</param>
    public static BeatPlan Next(TimeSpan target, TimeSpan? acknowledged, TimeSpan shortest, HourClass hourClass, double random)
    {
        var inForce = acknowledged ?? Min(shortest, target);
        var promise = Min(target, inForce * 2);
        var wait = Min(promise, inForce) * (1 - (Jitter * random));
        return new BeatPlan(promise, wait, hourClass);
    }

    private static TimeSpan Min(TimeSpan left, TimeSpan right) => left < right ? left : right;
}
