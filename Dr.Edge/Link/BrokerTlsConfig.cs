namespace Dr.Edge.Link;

/// <summary>Section <c>brokerTls</c>: PEM files, read again when they change. All three or none; with them every broker is spoken to over TLS, on port 8883 unless its address says otherwise.</summary>
internal sealed class BrokerTlsConfig
{
    public bool IsOn => !string.IsNullOrEmpty(Certificate) || !string.IsNullOrEmpty(Key) || !string.IsNullOrEmpty(Ca);

    /// <summary>This device's certificate; its common name is the device's id.</summary>
    public string? Certificate { get; set; }

    /// <summary>Its private key, not encrypted.</summary>
    public string? Key { get; set; }

    /// <summary>The CA of brokers and devices.</summary>
    public string? Ca { get; set; }
}
