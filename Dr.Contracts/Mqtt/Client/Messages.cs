using System.Text.Json.Serialization.Metadata;

namespace Dr.Contracts.Mqtt.Client;

/// <summary>A message to publish.</summary>
public sealed record OutboundMessage(string Topic, ReadOnlyMemory<byte> Payload, string ContentType, bool AtLeastOnce, bool Retain = false)
{
    public static OutboundMessage Of<T>(string topic, T value, JsonTypeInfo<T> type, bool atLeastOnce, bool retain = false)
    {
        var encoded = PayloadCodec.Encode(value, type);
        return new OutboundMessage(topic, encoded.Bytes, encoded.ContentType, atLeastOnce, retain);
    }
}

/// <summary>A message from the broker. The payload is the receiver's own copy.</summary>
public sealed class InboundMessage(string topic, byte[] payload, string? contentType, bool retained, Func<CancellationToken, Task>? acknowledge)
{
    public string Topic { get; } = topic;

    public ReadOnlyMemory<byte> Payload { get; } = payload;

    public string? ContentType { get; } = contentType;

    /// <summary>Stored by the broker earlier, delivered because of the subscription: it may be long out of date.</summary>
    public bool Retained { get; } = retained;

    /// <summary>Tells the broker that a QoS 1 message is dealt with, so that it sends more; for QoS 0 nothing. A connection that has ended meanwhile is no error: the broker delivers again.</summary>
    public Task AcknowledgeAsync(CancellationToken cancellationToken) => acknowledge?.Invoke(cancellationToken) ?? Task.CompletedTask;

    public bool TryDecode<T>(JsonTypeInfo<T> type, out T value, out string reason) => PayloadCodec.TryDecode(Payload.Span, ContentType, type, out value, out reason);
}

public enum ConnectionEndKind
{
    /// <summary>The broker or the line went away.</summary>
    Lost,

    /// <summary>Nothing answered within the deadline though the socket looked open.</summary>
    HalfOpen,

    /// <summary>Another client connected with the same id.</summary>
    TakenOver,

    /// <summary>The broker told us to go.</summary>
    Dismissed,

    /// <summary>The broker is there, but nobody behind it acknowledged anything.</summary>
    Unheard,

    /// <summary>We left.</summary>
    Left,
}

/// <summary>Why a connection is over.</summary>
public sealed record ConnectionEnd(ConnectionEndKind Kind, string Detail);
