namespace Dr.Edge.Replication.Mirror;

/// <summary>Where a synchronous copy stands. Writes wait for it from <see cref="Joining"/> on.</summary>
internal enum MirrorPhase
{
    /// <summary>Not synchronous.</summary>
    Off,

    /// <summary>Recorded as out of date; it catches up while writes go on without it.</summary>
    Following,

    /// <summary>All has been sent and new writes wait; what was answered before is not on it yet. Still recorded as out of date.</summary>
    Joining,

    /// <summary>It has everything; that it is whole is being recorded.</summary>
    Recording,

    /// <summary>Whole, and recorded as such.</summary>
    Whole,

    /// <summary>Recorded as whole and out of reach, or in reach and without something that it had confirmed (<see cref="MirrorModel.Lacks"/>): writes wait.</summary>
    Late,

    /// <summary>It is being recorded as out of date: writes wait for that.</summary>
    Noting,
}
