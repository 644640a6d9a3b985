using System.Net;
using Dr.Contracts.Mqtt.Client;

namespace Dr.Silo.Ingress;

/// <summary>Where this silo meets its devices.</summary>
public sealed record IngressOptions
{
    /// <summary>The brokers to use, all at once; none with <see cref="Listen"/> set means the embedded one.</summary>
    public IReadOnlyList<BrokerAddress> Brokers { get; init; } = [];

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

    /// <summary>
    /// How long the devices of one of several brokers may take to the next one when it is lost: to notice by their own probe (8 s), to try the lost one first (5 s), and the pause of those that are few (5 s). Only then does
    /// their silence begin to say something.
    /// </summary>
    public TimeSpan Regroup { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>How long the embedded broker holds back a will that asks for it, at the most; tests shorten it.</summary>
    public TimeSpan LongestWillDelay { get; init; } = TimeSpan.FromMinutes(5);
}
