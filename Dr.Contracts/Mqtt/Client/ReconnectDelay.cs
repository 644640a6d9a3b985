namespace Dr.Contracts.Mqtt.Client;

/// <summary>How long to wait before the next attempt. Pure: the caller draws the random number.</summary>
public static class ReconnectDelay
{
    private static readonly TimeSpan First = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);

    /// <summary>
    /// The longest wait of those that are few: silos, and the hosts and appliances of the sites. Takeovers wait for them, so they are back long before the control plane, once it hears again, judges who is
    /// silent or takes a copy for lost.
    /// </summary>
    public static readonly TimeSpan LongestOfFew = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan FirstAfterTakeover = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan LongestAfterTakeover = TimeSpan.FromHours(1);

    /// <summary>
    /// <paramref name="failures"/> counts attempts in a row that led to no lasting connection (0 = the first attempt after a lasting one). The whole range below
    /// the doubling bound is used: a broker that restarts gets its devices spread over the range, not in waves.
    /// </summary>
    /// <param name="few">There are not so many of them that their coming back at once is a load.</param>
    public static TimeSpan After(int failures, double random, bool few = false) => Spread(Double(First, failures, few ? LongestOfFew : Longest), random, from: 0.05);

    /// <summary>
    /// The device that was pushed out by another with its id yields, longer each time: two of them would otherwise push each other out for ever. It tries again at all
    /// because the other may have been a short-lived mistake.
    /// </summary>
    public static TimeSpan AfterTakeover(int takeovers, double random) => Spread(Double(FirstAfterTakeover, takeovers - 1, LongestAfterTakeover), random, from: 0.5);

    private static TimeSpan Double(TimeSpan first, int times, TimeSpan longest) =>
        times >= 20 ? longest : TimeSpan.FromTicks(Math.Min(first.Ticks << Math.Max(times, 0), longest.Ticks));

    private static TimeSpan Spread(TimeSpan bound, double random, double from) => bound * (from + ((1 - from) * random));
}
