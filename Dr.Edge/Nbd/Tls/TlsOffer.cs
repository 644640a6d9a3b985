namespace Dr.Edge.Nbd.Tls;

/// <summary>Where TLS stands on a connection.</summary>
internal enum TlsOffer
{
    /// <summary>Not set up: STARTTLS is unsupported, and nobody is told that it is required.</summary>
    None,

    Optional,

    /// <summary>Nothing but STARTTLS and ABORT is answered before it.</summary>
    Required,

    /// <summary>In use. A second STARTTLS is invalid.</summary>
    Active,
}
