namespace Dr.Edge.Volumes.Space;

/// <summary>Makes space by letting a volume's history give way.</summary>
internal interface IGivesWay
{
    /// <summary>
    /// A writer of <paramref name="volume"/> found the disk full. Blocks until some space was made or there is nothing more to give, and never for long enough that a client takes the server for dead.
    /// </summary>
    /// <returns>True: try again. False: nothing more gives way; the write is refused.</returns>
    bool WaitForSpace(Volume volume);
}
