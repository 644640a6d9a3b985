namespace Dr.Edge.Host.Quiesce;

/// <summary>Brings the system on a volume to a consistent state for the moment a point is taken.</summary>
internal interface IQuiesce
{
    /// <summary>
    /// Enters a quiet window for <paramref name="volume"/>; take the point at once, with <see cref="IQuiesceWindow.Mark"/>, then dispose the window. Never throws for a
    /// system that could not be quiesced in time: the mark then says crash-consistent and why. Nothing to quiesce here (no such system, no provider, not running) is said the same way.
    /// </summary>
    Task<IQuiesceWindow> EnterAsync(string volume, CancellationToken cancellationToken);
}

/// <summary>While it lasts, a point of the volume has the mark's consistency. Disposing thaws; a watchdog outside the agent thaws at the deadline in any case.</summary>
internal interface IQuiesceWindow : IAsyncDisposable
{
    /// <summary>What a point taken at this instant may claim. Read it directly before taking the point; past the deadline it turns to crash-consistent.</summary>
    QuiesceMark Mark { get; }
}

/// <summary>For <see cref="PointInfo.Consistency"/> and <see cref="PointInfo.Reason"/>.</summary>
internal sealed record QuiesceMark(PointConsistency Consistency, string Reason)
{
    public static QuiesceMark Crash(string reason) => new(PointConsistency.Crash, reason);

    public static QuiesceMark Application(string reason) => new(PointConsistency.Application, reason);
}
