using Dr.Edge.Volumes;

namespace Dr.Edge.Nbd;

/// <summary>
/// A client's time to finish its handshake. It stands still while the server itself works for the client: opening an old point of a big volume may take longer than a client gets. Used by the
/// connection's thread only.
/// </summary>
internal sealed class HandshakeClock : IExportCatalog, IDisposable
{
    private readonly IExportCatalog _catalog;
    private readonly TimeProvider _time;
    private readonly ITimer _deadline;
    private readonly TimeSpan _limit;
    private long _since;
    private TimeSpan _used;

    /// <param name="catalog">What is opened.</param>
    /// <param name="limit">The client's own time.</param>
    /// <param name="time">The clock.</param>
    /// <param name="tooSlow">Called once the client has used up its time.</param>
    public HandshakeClock(IExportCatalog catalog, TimeSpan limit, TimeProvider time, Action tooSlow)
    {
        (_catalog, _limit, _time) = (catalog, limit, time);
        _since = time.GetTimestamp();
        _deadline = time.CreateTimer(static state => ((Action)state!)(), tooSlow, limit, Timeout.InfiniteTimeSpan);
    }

    public IReadOnlyList<ExportInfo> List() => _catalog.List();

    public IExportLease? Open(string name)
    {
        _used += _time.GetElapsedTime(_since);
        _deadline.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        try
        {
            return _catalog.Open(name);
        }
        finally
        {
            _since = _time.GetTimestamp();
            _deadline.Change(_limit > _used ? _limit - _used : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        }
    }

    public void Dispose() => _deadline.Dispose();
}
