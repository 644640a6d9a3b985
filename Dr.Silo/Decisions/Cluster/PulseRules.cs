namespace Dr.Silo.Decisions.Cluster;

/// <summary>What a silo says of itself: does it reach the database, and the broker.</summary>
/// <param name="Database">The last round trip to the database is not longer ago than <see cref="PulseRules.DatabaseLostAfter"/>.</param>
/// <param name="Broker">It has a connection to its broker, so devices can be heard there.</param>
/// <param name="DatabaseAge">How long ago that was.</param>
/// <param name="DatabaseStreak">For how long it has reached the database without a break; zero from a silo that does not say.</param>
[GenerateSerializer, Immutable, Alias("dr.Pulse")]
public sealed record Pulse(
    [property: Id(0)] bool Database,
    [property: Id(1)] bool Broker,
    [property: Id(2)] TimeSpan DatabaseAge = default,
    [property: Id(3)] TimeSpan DatabaseStreak = default);

/// <summary>A pulse as it was heard.</summary>
public sealed record HeardPulse(Pulse Pulse, DateTimeOffset At);

/// <summary>What follows from the pulses of a cluster. Pure.</summary>
public static class PulseRules
{
    /// <summary>Silos ask each other this often.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    /// <summary>Longer than a restart of a connection pool, shorter than anybody wants to wait for grains that cannot store anything.</summary>
    public static readonly TimeSpan DatabaseLostAfter = TimeSpan.FromSeconds(3);

    /// <summary>An older pulse says nothing about now.</summary>
    public static readonly TimeSpan Fresh = TimeSpan.FromSeconds(3);

    /// <summary>
    /// True when this silo has lost the database and another has not: whatever is activated here can store nothing and would be answered from elsewhere. The other must have
    /// reached it well after this one did last, and for a while: a database that goes away, or comes back, is not seen by all at the same instant. The silo that reached
    /// it last finds nobody who did so later, so never do all leave. When all have lost it, or nobody can be asked, all stay and wait: leaving would help nobody.
    /// </summary>
    public static bool MustLeave(DateTimeOffset databaseReachedAt, IReadOnlyDictionary<string, HeardPulse> peers, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(peers);
        return now - databaseReachedAt >= DatabaseLostAfter && peers.Values.Any(p =>
            p.Pulse.Database && IsFresh(p, now) && p.Pulse.DatabaseStreak >= DatabaseLostAfter && p.At - p.Pulse.DatabaseAge - databaseReachedAt >= DatabaseLostAfter);
    }

    /// <summary>
    /// The silos that partitions of devices are shared out over: the live ones, without those that say that they have no broker. One that says nothing (it has
    /// just come, or is of an older version) counts; so does this one, because it takes its share the moment it is connected. When nobody has a broker it does not matter.
    /// </summary>
    public static IReadOnlyList<string> Hearing(string self, IReadOnlyCollection<string> live, IReadOnlyDictionary<string, HeardPulse> peers, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(live);
        ArgumentNullException.ThrowIfNull(peers);
        return [.. live.Where(silo => silo == self || !peers.TryGetValue(silo, out var heard) || !IsFresh(heard, now) || heard.Pulse.Broker).Order(StringComparer.Ordinal)];
    }

    private static bool IsFresh(HeardPulse heard, DateTimeOffset now) => now - heard.At <= Fresh;
}
