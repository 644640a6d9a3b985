namespace Dr.Edge.Volumes;

/// <summary>
/// Whether clients may write: role primary ∧ epoch current ∧ no failure ∧ (no lease required ∨ monotonic now &lt; lease deadline). Checked on every batch
/// before it is appended. Lease deadlines are timestamps of <see cref="TimeProvider.GetTimestamp"/>, never wall-clock times.
/// </summary>
internal sealed class WriteGate : IDisposable
{
    private const long NoDeadline = long.MaxValue;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new(); // Guards _timer and the order of changes; Check reads without it.
    private ITimer? _timer;
    private volatile string? _shutBecause = "the volume is not open yet";
    private long _leaseDeadline = NoDeadline;
    private volatile bool _leaseRequired;
    private bool _disposed;
    private int _raisedOpen;

    public WriteGate(TimeProvider time) => _time = time;

    /// <summary>Raised after the gate opened or shut for any reason, the lapse of the lease included (within the timer's resolution). Not under any lock of the volume's.</summary>
    public event Action<WriteGate>? Changed;

    public bool IsOpen => WhyShut is null;

    public bool LeaseRequired => _leaseRequired;

    /// <summary>True when a lease is required and has lapsed (or none was ever given).</summary>
    public bool LeaseLapsed => _leaseRequired && _time.GetTimestamp() >= Volatile.Read(ref _leaseDeadline);

    /// <summary>Monotonic timestamp until which the lease holds; null when no lease is required.</summary>
    public long? LeaseDeadline => _leaseRequired ? Volatile.Read(ref _leaseDeadline) : null;

    /// <summary>Why a write would be refused now; null when it would be accepted.</summary>
    public string? WhyShut => _shutBecause ?? (LeaseLapsed ? "the serving lease has lapsed" : null);

    /// <summary>From now on writes need a lease; none is held until <see cref="ExtendLease"/>.</summary>
    public void RequireLease()
    {
        lock (_lock)
        {
            if (_leaseRequired)
            {
                return;
            }

            Volatile.Write(ref _leaseDeadline, long.MinValue);
            _leaseRequired = true;
        }

        RaiseIfChanged();
    }

    /// <summary>The lease now holds until <paramref name="monotonicTimestampDeadline"/>; an earlier deadline than the present one changes nothing.</summary>
    public void ExtendLease(long monotonicTimestampDeadline)
    {
        bool opened;
        lock (_lock)
        {
            if (!_leaseRequired || monotonicTimestampDeadline <= Volatile.Read(ref _leaseDeadline) || _disposed)
            {
                return;
            }

            opened = LeaseLapsed;
            Volatile.Write(ref _leaseDeadline, monotonicTimestampDeadline);
            var left = _time.GetElapsedTime(_time.GetTimestamp(), monotonicTimestampDeadline);
            if (left <= TimeSpan.Zero)
            {
                return;
            }

            _timer ??= _time.CreateTimer(static gate => ((WriteGate)gate!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            _timer.Change(left + TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan);
        }

        if (opened)
        {
            RaiseIfChanged();
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            _timer?.Dispose();
        }
    }

    /// <summary>Sets or clears the store's own reason (role, epoch, failure); leases come on top. Raises nothing: the volume does once its locks are free.</summary>
    internal void Set(string? shutBecause) => _shutBecause = shutBecause;

    /// <summary>Raises <see cref="Changed"/> when opened or shut since the last time.</summary>
    internal void RaiseIfChanged()
    {
        var open = IsOpen;
        if (Interlocked.Exchange(ref _raisedOpen, open ? 1 : 0) != (open ? 1 : 0))
        {
            Changed?.Invoke(this);
        }
    }

    /// <exception cref="BlockDeviceException"><see cref="BlockError.NotPermitted"/> with the reason.</exception>
    internal void Check()
    {
        if (_shutBecause is not null || (_leaseRequired && LeaseLapsed))
        {
            throw new BlockDeviceException(BlockError.NotPermitted, $"Writes are refused: {WhyShut ?? "the gate is just opening"}.");
        }
    }

    private void OnTimer()
    {
        if (LeaseLapsed)
        {
            RaiseIfChanged();
        }
    }
}
