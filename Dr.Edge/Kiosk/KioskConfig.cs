namespace Dr.Edge.Kiosk;

/// <summary>Section <c>kiosk</c> of the configuration.</summary>
internal sealed class KioskConfig
{
    /// <summary>Loopback address of the endpoint for the kiosk's own software, <c>127.0.0.1:PORT</c>; null = only on the control socket.</summary>
    public string? Listen { get; set; }
}
