namespace Dr.Edge.Volumes.Background;

/// <summary>
/// Says when the next piece of background work may be done. Pure: no clock, no IO; the same calls give the same answers. Not for two threads at once.
/// <para>What is done never exceeds <c>share × operations of clients + floor × time + idle rate × time in which no client did anything + burst + one piece</c>.</para>
/// </summary>
internal sealed class WorkBudget(WorkLimits limits)
{
    private static readonly TimeSpan ShortestWait = TimeSpan.FromMilliseconds(1);

    // Long waits are cut, because what clients do meanwhile changes what is earned.
    private static readonly TimeSpan LongestWait = TimeSpan.FromMilliseconds(100);

    // Waiting until any is earned would be asking all the time.
    private const double Some = 0.25;

    private TimeSpan? _last;
    private TimeSpan _lastClient;
    private long _operations;
    private double _tokens;
    private double _behind;
    private double _earnedPerSecond;

    public WorkLimits Limits { get; set; } = limits;

    /// <summary>Asks to do <paramref name="bytes"/> of work now. Zero: it is granted and paid for. Otherwise nothing is paid: ask again after that time.</summary>
    /// <param name="now">Monotonic time; one that went back counts as no time.</param>
    /// <param name="clientOperations">Operations of clients so far; a number that went down (a volume was deleted) counts as none.</param>
    /// <param name="bytes">Size of the piece, 0 or more; one larger than what can be saved up is granted too and paid for afterwards.</param>
    public TimeSpan Take(TimeSpan now, long clientOperations, long bytes)
    {
        Earn(now, clientOperations);
        if (_tokens <= 0)
        {
            var missing = TimeSpan.FromSeconds(Math.Min(1, (Some - _tokens) / Math.Max(_earnedPerSecond, 1e-3)));
            return missing < ShortestWait ? ShortestWait : missing > LongestWait ? LongestWait : missing;
        }

        // Even the smallest piece is an operation of the disk.
        _tokens -= Math.Max(1.0, (double)bytes / Limits.OperationBytes);
        return TimeSpan.Zero;
    }

    private void Earn(TimeSpan now, long clientOperations)
    {
        if (_last is not { } last)
        {
            (_last, _lastClient, _operations) = (now, now, clientOperations);
            _tokens = 1;
            return;
        }

        var elapsed = now > last ? now - last : TimeSpan.Zero;
        var done = Math.Max(clientOperations - _operations, 0);
        _operations = clientOperations;
        if (done > 0)
        {
            _lastClient = last + elapsed;
        }

        _last = last + elapsed;
        var share = Limits.ClientShare * done;

        // The floor only fills up what the share leaves open, looked at over the last second and not from call to call.
        _behind = Math.Max(_behind + (Limits.FloorPerSecond * elapsed.TotalSeconds) - share, -Limits.FloorPerSecond);
        var earned = share + Math.Max(_behind, 0);
        _behind = Math.Min(_behind, 0);
        var idleFrom = _lastClient + Limits.IdleAfter;
        var idle = _last.Value - (idleFrom > last ? idleFrom : last);
        var saved = Limits.Burst;
        if (idle > TimeSpan.Zero)
        {
            earned += Limits.IdlePerSecond * idle.TotalSeconds;
            saved = Math.Max(saved, Limits.IdlePerSecond * LongestWait.TotalSeconds);
        }

        if (elapsed > TimeSpan.Zero)
        {
            _earnedPerSecond = earned / elapsed.TotalSeconds;
        }

        // What was saved up while nobody was there is not spent on whoever comes back: the smaller bound cuts it.
        _tokens = Math.Min(_tokens + earned, saved);
    }
}
