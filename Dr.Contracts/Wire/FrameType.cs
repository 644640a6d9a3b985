namespace Dr.Contracts.Wire;

/// <summary>What a frame carries. The numbers are the wire's and are never used again for something else.</summary>
public enum FrameType : byte
{
    /// <summary>First frame in each direction, stream 0.</summary>
    Hello = 1,

    /// <summary>Stream 0: I am alive. On a volume's stream: the source's head at its time.</summary>
    Heartbeat = 2,

    /// <summary>Source → target: this volume, its history, its mode.</summary>
    Announce = 3,

    /// <summary>Target → source: where the target stands, with the staged delta that it can go on with.</summary>
    Position = 4,

    /// <summary>Source → target: keep what you have beyond this position as a clone and go back to it.</summary>
    Rewind = 5,

    /// <summary>Source → target: journal batches, byte for byte as appended.</summary>
    Batch = 6,

    /// <summary>Source → target: a point at the position reached.</summary>
    Point = 7,

    /// <summary>Source → target: a delta to this point starts (or goes on).</summary>
    DeltaBegin = 8,

    /// <summary>Source → target: blocks of the delta.</summary>
    Delta = 9,

    /// <summary>Source → target: the delta is complete; attach it if its digest is this.</summary>
    Commit = 10,

    /// <summary>Target → source: received, durable, applied.</summary>
    Ack = 11,

    /// <summary>Target → source: these blocks did not come out right; send them whole.</summary>
    BlockRequest = 12,

    /// <summary>Either way: refused, with the reason; ends the stream, or the connection on stream 0.</summary>
    Error = 13,

    /// <summary>Source → target: this volume is no longer sent on this stream.</summary>
    Detach = 14,

    /// <summary>Source → target: whether this copy counts as the other half of a mirror. Target → source: that is on our disk. From version 2 on.</summary>
    Mirror = 15,

    /// <summary>Source → target, before <see cref="Announce"/>: the sizes the volume had before it grew. From version 3 on.</summary>
    Sizes = 16,

    /// <summary>Source → target: what do these ranges hold at a point of yours? From version 3 on.</summary>
    DigestQuery = 17,

    /// <summary>Target → source: the digests that were asked for. From version 3 on.</summary>
    Digests = 18,

    /// <summary>Source → target: put what you have on your disk now and say so. From version 6 on; before it everything was flushed before it was acknowledged.</summary>
    Flush = 19,

    /// <summary>Source → target: journal batches back to back as they lie in the source's layer. From version 6 on; before it <see cref="Batch"/>.</summary>
    Run = 20,

    /// <summary>Source → target: blocks of the delta, compressed against blocks of the base. From version 4 on; before it <see cref="Delta"/>.</summary>
    PackedDelta = 21,

    /// <summary>Source → target: promise to stay a copy for a while. Target → source: promised, and on our disk. From version 5 on.</summary>
    Lease = 22,

    /// <summary>Source → target: as <see cref="PackedDelta"/>, with a database's log arranged before it was compressed. From version 7 on.</summary>
    ArrangedDelta = 23,
}
