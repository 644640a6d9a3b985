using Dr.Contracts.Errors;

namespace Dr.Contracts.Mqtt.Client;

/// <summary><c>host:port</c> of a broker; the port is 1883 when it is left out, 8883 with TLS (the numbers that IANA has for MQTT).</summary>
public readonly record struct BrokerAddress(string Host, int Port)
{
    public const int DefaultPort = 1883;

    public const int DefaultTlsPort = 8883;

    public static BrokerAddress Parse(string text, bool tls = false)
    {
        var separator = text.LastIndexOf(':');
        var bracketed = text.StartsWith('[');
        if (separator < 0 || (bracketed && text.EndsWith(']')))
        {
            return new BrokerAddress(text.Trim('[', ']'), tls ? DefaultTlsPort : DefaultPort);
        }

        return separator > 0 && int.TryParse(text.AsSpan(separator + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and <= ushort.MaxValue
            ? new BrokerAddress(text[..separator].Trim('[', ']'), port)
            : throw new DrException($"'{text}' is not the address of a broker.", "Write it as HOST:PORT, for example 10.0.0.5:1883.");
    }

    public override string ToString() => Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]:{Port}" : $"{Host}:{Port}";
}
