namespace Dr.Edge.Replication;

/// <summary>One copy of a volume elsewhere, as it is kept in the volume's directory.</summary>
internal sealed record CopySettings
{
    /// <summary><c>host:port</c> of the peer's replication listener.</summary>
    public required string Peer { get; init; }

    public required CopyMode Mode { get; init; }

    /// <summary>Null = as fast as the line.</summary>
    public double? BandwidthMbps { get; init; }

    /// <summary>
    /// A synchronous copy that had caught up: from then on writes wait for it, also after a restart of this side. Written before the first write waits; false means that the
    /// mirror is not to be trusted as whole.
    /// </summary>
    public bool Engaged { get; init; }

    /// <summary>What the peer had on its disk when this was last noted: history from here on is kept for it after a restart.</summary>
    public long Acknowledged { get; init; }
}
