using Dr.Contracts.Mqtt.Client;

namespace Dr.Edge.Link;

/// <summary>Who this device is and where its brokers are.</summary>
internal sealed record LinkOptions
{
    public required DeviceId Device { get; init; }

    public required SiteId Site { get; init; }

    public required IReadOnlyList<string> Roles { get; init; }

    /// <summary>A host or an appliance: few, and takeovers wait for them.</summary>
    public bool IsOfASite => Roles.Contains("host", StringComparer.Ordinal) || Roles.Contains("appliance", StringComparer.Ordinal);

    /// <summary>In the order to try, each connect from the first on; behind one at which nobody acknowledged anything.</summary>
    public required IReadOnlyList<BrokerAddress> Brokers { get; init; }

    /// <summary>Systems whose components this host can run.</summary>
    public IReadOnlyList<SystemId> Systems { get; init; } = [];

    public required string Software { get; init; }

    /// <summary>See <see cref="BrokerSession.ProbePeriod"/>.</summary>
    public TimeSpan ProbePeriod { get; init; } = TimeSpan.FromSeconds(4);

    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>See <see cref="LinkLimits.WillDelay"/>; tests shorten it.</summary>
    public TimeSpan WillDelay { get; init; } = LinkLimits.WillDelay;

    /// <summary>See <see cref="LinkLimits.AcknowledgeTimeout"/>.</summary>
    public TimeSpan AcknowledgeTimeout { get; init; } = LinkLimits.AcknowledgeTimeout;

    /// <summary>See <see cref="LinkLimits.ResultRepeat"/>.</summary>
    public TimeSpan ResultRepeat { get; init; } = LinkLimits.ResultRepeat;

    /// <summary>With several brokers: so long without an acknowledgement, and the next one is tried. Longer than the longest beat period of those who are waited for; doubled each time, up to <see cref="UnheardDoublings"/> times.</summary>
    public TimeSpan UnheardAfter { get; init; } = TimeSpan.FromSeconds(45);

    /// <summary>Without a control plane the fleet must not wander between the brokers for ever: at most every 24 min.</summary>
    public int UnheardDoublings { get; init; } = 5;

    /// <summary>A connection that lasted this long was a good one: the next attempt starts without a history of failures.</summary>
    public TimeSpan LastingAfter { get; init; } = TimeSpan.FromSeconds(30);
}
