namespace Dr.Edge.Mirroring;

/// <summary>One kind of source.</summary>
internal interface IMirror
{
    /// <summary>Makes the volume equal to the source as it is now, and takes a point.</summary>
    /// <param name="progress">Bytes done of all.</param>
    /// <exception cref="DrException">It could not; the next round goes on from there.</exception>
    Task<MirrorRound> RoundAsync(Action<long, long> progress, CancellationToken cancellationToken);
}
