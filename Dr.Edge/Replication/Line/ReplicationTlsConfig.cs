namespace Dr.Edge.Replication.Line;

/// <summary>
/// Section <c>replication.tls</c>: PEM files, read again when they change. All three or none. With them every connection of peers, in either direction, is TLS 1.3 with a certificate on both
/// sides; without them nothing is encrypted and anybody who reaches the port may speak.
/// </summary>
internal sealed class ReplicationTlsConfig
{
    /// <summary>This appliance's certificate, for servers and clients alike because it dials and listens, with intermediates behind it.</summary>
    public string? Certificate { get; set; }

    /// <summary>Its private key, not encrypted.</summary>
    public string? Key { get; set; }

    /// <summary>The CA of all appliances and of nothing else: whoever has a certificate from it may send volumes here.</summary>
    public string? Ca { get; set; }
}
