namespace Dr.Edge.Link;

/// <summary>Lets any part report a change of state without waiting for the next beat.</summary>
internal interface IBeatTrigger
{
    /// <summary>Sends a beat as soon as the link allows (several requests within 100 ms become one); nothing when off-line, where the next birth brings a beat anyway.</summary>
    void RequestBeatNow();
}
