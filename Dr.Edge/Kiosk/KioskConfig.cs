using Dr.Edge.Kiosk.Sip2;

namespace Dr.Edge.Kiosk;

/// <summary>Section <c>kiosk</c> of the configuration.</summary>
internal sealed class KioskConfig
{
    /// <summary>Loopback address of the endpoint for the kiosk's own software, <c>127.0.0.1:PORT</c>; null = only on the control socket.</summary>
    public string? Listen { get; set; }

    /// <summary>Section <c>sip2</c>: the face to a kiosk that speaks SIP2; null = none.</summary>
    public Sip2Config? Sip2 { get; set; }
}
