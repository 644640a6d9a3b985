namespace Dr.Edge.Replication;

/// <summary>Section <c>replication</c>: where peers connect.</summary>
internal sealed class ReplicationConfig
{
    /// <summary><c>host:port</c>; nothing is accepted when it is not set. Port 0 takes a free one (tests).</summary>
    public string? Listen { get; set; }

    /// <summary>Bandwidth classes as they are until <c>dr-edge bandwidth set</c> changes them.</summary>
    public List<Line.Bandwidth.BandwidthClassConfig> Bandwidth { get; set; } = [];

    public Line.ReplicationTlsConfig Tls { get; set; } = new();
}
