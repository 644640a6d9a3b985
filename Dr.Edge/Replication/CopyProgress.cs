namespace Dr.Edge.Replication;

/// <summary>How one copy is doing; written by its session, read by everybody. Numbers are the newest of each kind, not one instant.</summary>
internal sealed class CopyProgress
{
    private readonly Lock _lock = new(); // Guards everything below.
    private readonly ReportedHeads _heads = new();
    private CopyState _state = CopyState.Connecting;
    private string? _detail;
    private SequenceNumber _received;
    private SequenceNumber _durable;
    private PointId? _lastCommonPoint;
    private long _wireBytes;
    private long _changedBytes;
    private long _stagedBlocks;

    public CopyState State
    {
        get
        {
            lock (_lock)
            {
                return _state;
            }
        }
    }

    /// <summary>What the peer has on its disk.</summary>
    public SequenceNumber Durable
    {
        get
        {
            lock (_lock)
            {
                return _durable;
            }
        }
    }

    /// <summary>Raised after every change that someone may wait for.</summary>
    public event Action? Changed;

    public void Enter(CopyState state, string? detail = null)
    {
        lock (_lock)
        {
            (_state, _detail) = (state, detail);
        }

        Changed?.Invoke();
    }

    public void Sent(long wireBytes, long changedBytes)
    {
        lock (_lock)
        {
            _wireBytes += wireBytes;
            _changedBytes += changedBytes;
        }
    }

    public void ReportHead(DateTimeOffset at, SequenceNumber head)
    {
        lock (_lock)
        {
            _heads.Report(at, head, _durable);
        }
    }

    public void Acknowledged(SequenceNumber received, SequenceNumber durable, PointId? commonPoint, long stagedBlock)
    {
        lock (_lock)
        {
            _lastCommonPoint = durable == default ? null : commonPoint ?? _lastCommonPoint;
            (_received, _durable, _stagedBlocks) = (received, durable, stagedBlock);
            _heads.Reach(durable);
        }

        Changed?.Invoke();
    }

    /// <summary>The newest point that both hold.</summary>
    public PointId? LastCommonPoint
    {
        get
        {
            lock (_lock)
            {
                return _lastCommonPoint;
            }
        }
    }

    /// <param name="appended">The source's end now.</param>
    /// <param name="lagBytes">What the journal holds beyond the durable position.</param>
    public CopyStatus ToStatus(CopySettings settings, SequenceNumber appended, long lagBytes, DateTimeOffset now)
    {
        lock (_lock)
        {
            var whole = _durable >= appended;
            return new CopyStatus
            {
                Peer = settings.Peer,
                Mode = settings.Mode,
                State = _state,
                Received = _received,
                Durable = _durable,
                LagBytes = whole ? 0 : lagBytes,
                LagSeconds = whole ? 0 : _heads.CurrentAsOf is { } at ? Math.Max(0, (now - at).TotalSeconds) : -1,
                LastCommonPoint = _lastCommonPoint,
                WireBytes = _wireBytes,
                ChangedBytes = _changedBytes,
                Detail = _detail ?? (_stagedBlocks > 0 && _state != CopyState.Current ? $"delta staged up to block {_stagedBlocks}" : null),
            };
        }
    }
}
