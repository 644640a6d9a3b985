using System.Threading.Channels;

namespace Dr.Contracts.Mqtt.Client;

/// <summary>One connection to a broker, from its CONNACK to its end. It is never revived: whoever needs another makes another.</summary>
public interface IBrokerConnection : IAsyncDisposable
{
    /// <summary>Completes, always successfully, when the connection is over, with the reason.</summary>
    Task<ConnectionEnd> Closed { get; }

    /// <summary>
    /// What the broker delivers. Bounded: when the reader is slow, QoS 0 messages are dropped (and counted), QoS 1 messages wait at the broker, because they are acknowledged only by
    /// <see cref="InboundMessage.AcknowledgeAsync"/>. Completes with the connection.
    /// </summary>
    ChannelReader<InboundMessage> Inbound { get; }

    /// <summary>QoS 0 messages that found <see cref="Inbound"/> full.</summary>
    long Dropped { get; }

    /// <summary>Subscribes with QoS 1. Throws a transient <see cref="Errors.DrException"/> when the broker refuses or the connection ends.</summary>
    Task SubscribeAsync(IEnumerable<string> filters, CancellationToken cancellationToken);

    /// <summary>Takes filters back; what the broker had on its way may still come. Throws a transient <see cref="Errors.DrException"/> when the connection ends.</summary>
    Task UnsubscribeAsync(IEnumerable<string> filters, CancellationToken cancellationToken);

    /// <summary>
    /// QoS 0: returns when it is handed to the socket. QoS 1: returns with the PUBACK, which is a receipt from the broker's memory and no more. Calls made
    /// one after the other go out in that order, also when the earlier are not awaited. Throws a transient <see cref="Errors.DrException"/> when the connection ends first.
    /// </summary>
    Task PublishAsync(OutboundMessage message, CancellationToken cancellationToken);

    /// <summary>Ends the connection politely: the will is not sent.</summary>
    Task DisconnectAsync(CancellationToken cancellationToken);
}

/// <summary>Opens connections; the only place that knows the MQTT library.</summary>
public interface IBrokerConnector
{
    /// <summary>Throws a transient <see cref="Errors.DrException"/> when there is no CONNACK within the session's time-out, or it says no.</summary>
    Task<IBrokerConnection> ConnectAsync(BrokerSession session, CancellationToken cancellationToken);
}
