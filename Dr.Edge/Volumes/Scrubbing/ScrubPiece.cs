namespace Dr.Edge.Volumes.Scrubbing;

/// <summary>What reading one piece gave.</summary>
/// <param name="At">Where the piece was: the cursor's layer may have gone meanwhile and another taken its place.</param>
/// <param name="Next">Where to go on in the same layer or stage; null when it is done.</param>
internal readonly record struct ScrubPiece(ScrubCursor At, long? Next, long Bytes);
