using Dr.Contracts.Mqtt.Client;

namespace Dr.Simulator.Load;

/// <summary>What a fleet is to do.</summary>
internal sealed record LoadPlan
{
    /// <summary>A beat that needs longer than this from device to listener is late.</summary>
    public static readonly TimeSpan LateAfter = TimeSpan.FromSeconds(1);

    /// <summary>An outage lasts this much longer than silence needs to become suspicion, so that each has to be noticed.</summary>
    public static readonly TimeSpan OutageBeyondDeadline = TimeSpan.FromSeconds(5);

    public required int Devices { get; init; }

    /// <summary>Every device beats once in this time.</summary>
    public required TimeSpan Beat { get; init; }

    /// <summary>From when all are connected.</summary>
    public required TimeSpan Duration { get; init; }

    /// <summary>Null = the embedded broker, started here.</summary>
    public BrokerAddress? Broker { get; init; }

    /// <summary>Share of the devices, 0–1, that stop once in the run and come back.</summary>
    public double Outages { get; init; } = 0.02;

    /// <summary>Storms: times at which <see cref="StormShare"/> of the connections break at once, evenly spread over the run.</summary>
    public int Storms { get; init; } = 1;

    /// <summary>0–1.</summary>
    public double StormShare { get; init; } = 0.5;

    /// <summary>Connections that are opened in a second at the beginning.</summary>
    public int ConnectsPerSecond { get; init; } = 500;

    /// <summary>A command line that restarts the broker, run by <c>/bin/sh</c> once in the middle of the run; null = the broker is not restarted.</summary>
    public string? Restart { get; init; }

    /// <summary>The pause before an attempt to connect again, by how many have failed in a row and a number from 0 to 1: what devices keep to.</summary>
    public Func<int, double, TimeSpan> ReconnectAfter { get; init; } = static (failures, random) => ReconnectDelay.After(failures, random);

    public ulong Seed { get; init; } = 1;

    /// <summary>The detector's α: three beats may be missing, as the classes of kiosks allow.</summary>
    public TimeSpan Alpha => Beat * 3;

    /// <summary>Silence that is suspected for certain.</summary>
    public TimeSpan Deadline => Beat + Alpha;
}
