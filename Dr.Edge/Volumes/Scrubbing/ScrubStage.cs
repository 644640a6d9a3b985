namespace Dr.Edge.Volumes.Scrubbing;

/// <summary>What a pass reads, in this order.</summary>
internal enum ScrubStage
{
    /// <summary>Superblock copies and manifest records.</summary>
    Metadata,

    /// <summary>Layer by layer, oldest first: header, batches, index.</summary>
    Layers,

    /// <summary>base.img against base.crc.</summary>
    Base,

    /// <summary>What the map says of the present: where each block lies and its checksum.</summary>
    Map,
}
