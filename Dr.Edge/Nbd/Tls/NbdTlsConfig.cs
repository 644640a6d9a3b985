namespace Dr.Edge.Nbd.Tls;

/// <summary>Section <c>nbd.tls</c>; all paths are PEM files, read again when they change. Applies to TCP and the Unix socket alike.</summary>
internal sealed class NbdTlsConfig
{
    /// <summary>The server's certificate, with intermediates behind it.</summary>
    public string? Certificate { get; set; }

    /// <summary>Its private key.</summary>
    public string? Key { get; set; }

    /// <summary>CA that clients' certificates must come from; without it the line is encrypted, but anybody may connect.</summary>
    public string? ClientCa { get; set; }

    /// <summary>Null: <see cref="NbdTlsMode.Require"/> when there is a certificate, else <see cref="NbdTlsMode.Off"/>. Whoever sets up TLS means it.</summary>
    public NbdTlsMode? Mode { get; set; }

    /// <summary>
    /// Volumes by the common name of a client's certificate; a volume's points and moments go with it, and <c>*</c> is every volume. Empty: every client with a good certificate may
    /// attach everything. With an entry, names that are not listed see nothing.
    /// </summary>
    public Dictionary<string, List<string>> Clients { get; set; } = [];
}

internal enum NbdTlsMode
{
    Off,

    /// <summary>Clients may use TLS or not.</summary>
    Allow,

    /// <summary>Nothing is told or served without TLS.</summary>
    Require,
}
