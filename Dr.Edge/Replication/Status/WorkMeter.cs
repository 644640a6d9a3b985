namespace Dr.Edge.Replication.Status;

/// <summary>A first copy or a catch-up that is under way: how much, how far, how fast. Pure but for the time that comes in; guarded by its owner.</summary>
internal sealed class WorkMeter
{
    private readonly RateMeter _rate = new();
    private bool _isJournal;
    private long _total;

    public bool IsUnderWay { get; private set; }

    public long DoneBytes { get; private set; }

    /// <summary>A delta knows beforehand what it has to look at.</summary>
    public void BeginDelta(long totalBytes, long doneBytes) => (IsUnderWay, _isJournal, _total, DoneBytes) = (true, false, totalBytes, doneBytes);

    /// <summary>A journal grows while it is read: what is left is what the copy lags.</summary>
    public void BeginJournal() => (IsUnderWay, _isJournal, _total, DoneBytes) = (true, true, 0, 0);

    public void End() => (IsUnderWay, DoneBytes) = (false, 0);

    public void Did(long bytes, TimeSpan now)
    {
        if (IsUnderWay)
        {
            DoneBytes += bytes;
            _rate.Add(bytes, now);
        }
    }

    /// <summary>In all, 0 when nothing is under way.</summary>
    public long TotalBytes(long lagBytes) => !IsUnderWay ? 0 : _isJournal ? DoneBytes + lagBytes : Math.Max(_total, DoneBytes);

    /// <summary>Null when nothing moves.</summary>
    public TimeSpan? Left(long lagBytes, TimeSpan now)
    {
        var rate = _rate.PerSecond(now);
        return IsUnderWay && rate > 1 ? TimeSpan.FromSeconds(Math.Min((TotalBytes(lagBytes) - DoneBytes) / rate, TimeSpan.FromDays(9999).TotalSeconds)) : null;
    }
}
