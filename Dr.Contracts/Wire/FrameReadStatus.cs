namespace Dr.Contracts.Wire;

/// <summary>What was found at the front of the input.</summary>
public enum FrameReadStatus
{
    /// <summary>A whole valid frame was taken off.</summary>
    Frame,

    /// <summary>What is there may be the start of a valid frame; nothing was taken off.</summary>
    NeedMoreData,

    /// <summary>What is there is not a frame of ours or is damaged: the connection cannot be trusted any more.</summary>
    Corrupt,
}
