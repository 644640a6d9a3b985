using Dr.Edge.Nbd.Tls;

namespace Dr.Edge.Nbd;

/// <summary>Section <c>nbd</c>: where clients attach. Nothing is served when neither is set.</summary>
internal sealed class NbdConfig
{
    /// <summary><c>host:port</c>; port 0 takes a free one.</summary>
    public string? Listen { get; set; }

    /// <summary>Path of a Unix socket.</summary>
    public string? Socket { get; set; }

    public NbdTlsConfig Tls { get; set; } = new();
}
