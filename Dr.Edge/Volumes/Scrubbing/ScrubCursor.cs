namespace Dr.Edge.Volumes.Scrubbing;

/// <summary>Where a pass stands. Layers are named by number, because they come and go while it runs.</summary>
/// <param name="Layer">In <see cref="ScrubStage.Layers"/> the layer that is being read, or the next when it has gone.</param>
/// <param name="Position">Bytes into the layer; blocks in <see cref="ScrubStage.Base"/> and <see cref="ScrubStage.Map"/>.</param>
internal sealed record ScrubCursor(ScrubStage Stage, long Layer, long Position)
{
    public static readonly ScrubCursor Start = new(ScrubStage.Metadata, 0, 0);

    /// <summary>After this piece.</summary>
    /// <param name="next">Where to go on in the same layer or stage; null = it is done.</param>
    /// <returns>Null when the pass is done.</returns>
    public ScrubCursor? After(long? next) => (Stage, next) switch
    {
        (_, { } position) => this with { Position = position },
        (ScrubStage.Metadata, _) => new ScrubCursor(ScrubStage.Layers, 0, 0),
        (ScrubStage.Layers, _) => new ScrubCursor(ScrubStage.Layers, Layer + 1, 0),
        (ScrubStage.Base, _) => new ScrubCursor(ScrubStage.Map, 0, 0),
        _ => null,
    };
}
