using System.Net;
using Dr.Contracts.Mqtt.Client;

namespace Dr.Silo.Ingress;

/// <summary>Where this silo meets its devices.</summary>
public sealed record IngressOptions
{
    /// <summary>The broker to use; null with <see cref="Listen"/> set means the embedded one.</summary>
    public BrokerAddress? Broker { get; init; }

    /// <summary>Where the embedded broker listens; null = none. Port 0 takes a free one.</summary>
    public IPEndPoint? Listen { get; init; }

    /// <summary>TLS to the broker, or of the embedded one; null = none.</summary>
    public BrokerTls? Tls { get; init; }

    /// <summary>Client id at the broker; one per silo, or they push each other out. In containers of one name the first process is number 1 in each, so that name and number do not tell silos apart.</summary>
    public string ClientId { get; init; } = $"silo-{Environment.MachineName}-{Environment.ProcessId}-{Guid.NewGuid():N}";

    /// <summary>See <see cref="BrokerSession.ProbePeriod"/>.</summary>
    public TimeSpan ProbePeriod { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Devices handled at the same time. Each device's own messages are handled one after the other.</summary>
    public int Concurrency { get; init; } = 64;

    /// <summary>A call to a device's grain that takes longer is given up; the device sends what matters again.</summary>
    public TimeSpan CallTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long a silo goes on hearing partitions that are another's now. Longer than a change of the membership takes to reach every silo (gossip at once, the table every
    /// <see cref="Cluster.ClusterTiming.TableRefresh"/> otherwise is only the fallback) and to subscribe.
    /// </summary>
    public TimeSpan Overlap { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long the embedded broker holds back a will that asks for it, at the most; tests shorten it.</summary>
    public TimeSpan LongestWillDelay { get; init; } = TimeSpan.FromMinutes(5);
}
