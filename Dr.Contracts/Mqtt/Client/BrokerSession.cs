namespace Dr.Contracts.Mqtt.Client;

/// <summary>What a connection is opened with.</summary>
public sealed record BrokerSession
{
    public required BrokerAddress Broker { get; init; }

    /// <summary>Also the user name. A second client with the same id takes the session over.</summary>
    public required string ClientId { get; init; }

    /// <summary>Null = the connection is not encrypted.</summary>
    public BrokerTls? Tls { get; init; }

    /// <summary>Sent by the broker when this connection ends without a polite disconnect.</summary>
    public OutboundMessage? Will { get; init; }

    public TimeSpan WillDelay { get; init; } = LinkLimits.WillDelay;

    /// <summary>Zero = the broker forgets the session with the connection.</summary>
    public TimeSpan SessionExpiry { get; init; } = LinkLimits.SessionExpiry;

    /// <summary>TCP, TLS and CONNACK together. A connect attempt has no other end when the far side swallows packets.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The broker drops the connection after 1.5 of these in silence.</summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How often the own probe goes out, and how long its answer may take: a half-open connection is over after the sum of both.</summary>
    public TimeSpan ProbePeriod { get; init; } = TimeSpan.FromSeconds(4);

    /// <summary>QoS 1 messages the broker may send without an acknowledgement.</summary>
    public ushort ReceiveMaximum { get; init; } = 512;

    /// <summary>Capacity of <see cref="IBrokerConnection.Inbound"/>.</summary>
    public int InboundCapacity { get; init; } = 1024;
}
