namespace Dr.Edge.Link;

/// <summary>Adds its part to every beat.</summary>
internal interface IBeatContributor
{
    /// <summary>Called when a beat is about to be sent; returns at once, from what is known already.</summary>
    void Contribute(BeatDraft draft);
}
