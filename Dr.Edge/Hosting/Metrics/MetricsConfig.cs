using System.Net;

namespace Dr.Edge.Hosting.Metrics;

/// <summary>Section <c>metrics</c>: where measurements can be read besides the control socket.</summary>
internal sealed class MetricsConfig
{
    /// <summary><c>host:port</c> of a loopback address that serves <c>/metrics</c> and nothing else; null = only the control socket does.</summary>
    public string? Listen { get; set; }

    /// <exception cref="DrException">Not an address and port, or not of this machine only: whoever can read it needs no password.</exception>
    internal IPEndPoint? EndPointOrNone
    {
        get
        {
            if (Listen is not { Length: > 0 } text)
            {
                return null;
            }

            var address = text.StartsWith("localhost:", StringComparison.Ordinal) ? $"127.0.0.1:{text["localhost:".Length..]}" : text;
            if (!IPEndPoint.TryParse(address, out var endPoint) || !address.Contains(':', StringComparison.Ordinal))
            {
                throw new DrException($"'{text}' is no address for metrics.", "Write it as 127.0.0.1:9464.");
            }

            return IPAddress.IsLoopback(endPoint.Address)
                ? endPoint
                : throw new DrException($"Metrics cannot be served on {text}: anybody there could read them without a password.", "Use a loopback address, and a proxy that checks who asks.");
        }
    }
}
