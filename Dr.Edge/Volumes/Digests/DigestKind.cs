namespace Dr.Edge.Volumes.Digests;

/// <summary>What a digest of a volume at a point is made over.</summary>
internal enum DigestKind
{
    /// <summary>Every byte: all of it is read from the disk. Says the most, costs the most.</summary>
    Content,

    /// <summary>The checksum of every block, which every read of it is verified against. Reads no data.</summary>
    Checksums,
}
