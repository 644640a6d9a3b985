using Dr.Edge.Replication.Status;

namespace Dr.Edge.Replication;

/// <summary>How one copy is doing; written by its session, read by everybody. Numbers are the newest of each kind, not one instant.</summary>
internal sealed class CopyProgress(TimeProvider time)
{
    private readonly Lock _lock = new(); // Guards everything below.
    private readonly ReportedHeads _heads = new();
    private readonly RateMeter _rate = new();
    private readonly WorkMeter _work = new();
    private readonly long _started = time.GetTimestamp();
    private CopyState _state = CopyState.Connecting;
    private string? _detail;
    private SequenceNumber _received;
    private SequenceNumber _durable;
    private PointId? _lastCommonPoint;
    private long _wireBytes;
    private long _changedBytes;
    private long _stagedBlocks;
    private long _divergentBlocks;

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

    /// <summary>Sent since this side's start.</summary>
    public long WireBytes
    {
        get
        {
            lock (_lock)
            {
                return _wireBytes;
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
            if (state is not (CopyState.Seeding or CopyState.CatchingUp))
            {
                _work.End();
            }
        }

        Changed?.Invoke();
    }

    public void Sent(long wireBytes, long changedBytes)
    {
        lock (_lock)
        {
            _wireBytes += wireBytes;
            _changedBytes += changedBytes;
            _rate.Add(wireBytes, Elapsed);
        }
    }

    /// <summary>A delta begins; what was done of it before counts as done.</summary>
    public void BeginDelta(long totalBytes, long doneBytes)
    {
        lock (_lock)
        {
            _work.BeginDelta(totalBytes, doneBytes);
        }
    }

    public void BeginJournal()
    {
        lock (_lock)
        {
            _work.BeginJournal();
        }
    }

    /// <summary>So much of the delta or the journal has been looked at and sent.</summary>
    public void Did(long bytes)
    {
        lock (_lock)
        {
            _work.Did(bytes, Elapsed);
        }
    }

    public void Diverged(int blocks)
    {
        lock (_lock)
        {
            _divergentBlocks += blocks;
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

    /// <summary>More of a delta is on the peer's disk; the copy itself is where it was.</summary>
    public void Staged(long block)
    {
        lock (_lock)
        {
            _stagedBlocks = block;
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

    /// <param name="view">What the source knows beside.</param>
    public CopyStatus ToStatus(CopyView view)
    {
        lock (_lock)
        {
            // Before the first word from the peer after a start, what it had when it was last heard of.
            var durable = _durable > view.Remembered ? _durable : view.Remembered;
            var whole = durable >= view.Appended;
            var lag = whole ? 0 : view.LagBytes;
            var common = _lastCommonPoint is { } id ? view.Points.FirstOrDefault(p => p.Id == id) : null;
            var asOf = _heads.CurrentAsOf ?? view.Points.LastOrDefault(p => p.Sequence <= durable)?.At;
            return new CopyStatus
            {
                Peer = view.Settings.Peer,
                Mode = view.Settings.Mode,
                State = _state,
                Received = _received,
                Durable = durable,
                LagBytes = lag,
                LagSeconds = whole ? 0 : asOf is { } at ? Math.Max(0, (time.GetUtcNow() - at).TotalSeconds) : -1,
                LastCommonPoint = _lastCommonPoint,
                LastCommonPointAt = common?.At,
                WireBytes = _wireBytes,
                ChangedBytes = _changedBytes,
                BytesPerSecond = _rate.PerSecond(Elapsed),
                WorkDoneBytes = _work.IsUnderWay ? _work.DoneBytes : 0,
                WorkTotalBytes = _work.TotalBytes(lag),
                EtaSeconds = _work.Left(lag, Elapsed)?.TotalSeconds,
                DivergentBlocks = _divergentBlocks,
                Detail = _detail ?? (_stagedBlocks > 0 && _state != CopyState.Current && !_work.IsUnderWay ? $"goes on at block {_stagedBlocks}" : null),
            };
        }
    }

    private TimeSpan Elapsed => time.GetElapsedTime(_started);
}
