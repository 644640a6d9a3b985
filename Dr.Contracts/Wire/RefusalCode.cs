namespace Dr.Contracts.Wire;

/// <summary>Why a frame was refused; the numbers are the wire's.</summary>
public enum RefusalCode : byte
{
    /// <summary>No version of the protocol in common.</summary>
    Version = 0,

    /// <summary>The frame's epoch is lower than one seen; the header carries the higher one.</summary>
    Fenced = 1,

    /// <summary>The target holds more of the same history than the source.</summary>
    WrongDirection = 2,

    /// <summary>The two copies share no history.</summary>
    Unrelated = 3,

    /// <summary>Another volume has the name, the size differs, or both are primary at one epoch.</summary>
    Conflict = 4,

    /// <summary>Another source feeds this volume.</summary>
    Busy = 5,

    /// <summary>The peer broke the protocol, or its data did not check out.</summary>
    Protocol = 6,

    /// <summary>The target's disk is full or failing.</summary>
    Storage = 7,

    /// <summary>What both believed to share is not shared: a delta was complete but the point's digest came out differently, or the journal does not continue what the target holds. The source goes one step down the ladder.</summary>
    Digest = 8,

    /// <summary>Not now: the peer is stopping or the volume is being changed. Asked again later.</summary>
    Later = 9,

    /// <summary>The target's history begins after the position it was told to go back to. The source goes one step down the ladder.</summary>
    PositionGone = 10,
}
