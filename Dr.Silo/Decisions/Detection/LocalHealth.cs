namespace Dr.Silo.Decisions.Detection;

/// <summary>
/// The observer's own trouble. One whose ticks came late or whose broker connection broke has missed beats through its own fault: it judges
/// nobody until everybody has had time to be heard again.
/// </summary>
public sealed record LocalHealth
{
    public required TimeSpan TickPeriod { get; init; }

    public required DateTimeOffset LastTick { get; init; }

    /// <summary>Healthy without interruption since then.</summary>
    public required DateTimeOffset TrustedSince { get; init; }

    public static LocalHealth StartedAt(DateTimeOffset now, TimeSpan tickPeriod) => new() { TickPeriod = tickPeriod, LastTick = now, TrustedSince = now };

    /// <summary>Call at every tick, before judging. A gap of more than twice the period means that we stood still.</summary>
    public LocalHealth Tick(DateTimeOffset now) =>
        now - LastTick > TickPeriod * 2 ? this with { LastTick = now, TrustedSince = now } : this with { LastTick = now };

    /// <summary>The broker connection is back after a break, or beats were dropped.</summary>
    public LocalHealth LinkRestored(DateTimeOffset now) => this with { TrustedSince = now };
}
