namespace Dr.Edge.Replication.Line.Bandwidth;

/// <summary>
/// When one copy may send: its own limit first, then its class. Copies that go first (a takeover, the way home, what the control plane orders) go before the others of the class. One caller
/// of <see cref="TakeAsync"/> at a time.
/// </summary>
internal sealed class CopyPace : IDisposable
{
    /// <summary>A frame lasts about this long on a slow line, so that what comes between frames (reports, answers, other volumes) comes soon.</summary>
    private const double FrameSeconds = 0.5;

    /// <summary>Below this headers begin to count.</summary>
    private const int SmallestFrame = 16 * 1024;

    private readonly BandwidthBook _book;
    private readonly string _copy;
    private readonly BandwidthLine _own;
    private readonly FairFlow _ownFlow = new();
    private readonly FairFlow _flow = new();
    private readonly Lock _lock = new(); // Guards everything below.
    private CancellationTokenSource _changed = new();
    private BandwidthLine? _line;
    private string? _class;
    private double? _mbps;
    private int _first;

    public CopyPace(BandwidthBook book, string copy, CopySettings settings, TimeProvider time)
    {
        (_book, _copy, _mbps, _class) = (book, copy, settings.BandwidthMbps, settings.BandwidthClass);
        _own = new BandwidthLine(BandwidthClass.ToBytes(settings.BandwidthMbps), time);
    }

    /// <summary>True while the copy goes before the others of its class.</summary>
    public bool IsFirst
    {
        get
        {
            lock (_lock)
            {
                return _first > 0;
            }
        }
    }

    /// <summary>No limit of its own and no class: nothing to wait for.</summary>
    public bool IsFree
    {
        get
        {
            lock (_lock)
            {
                return _mbps is null && _class is null;
            }
        }
    }

    /// <summary>New limit or class, at once, also for what waits.</summary>
    public void Configure(CopySettings settings)
    {
        CancellationTokenSource old;
        lock (_lock)
        {
            if ((_mbps, _class) == (settings.BandwidthMbps, settings.BandwidthClass))
            {
                return;
            }

            (_mbps, _class) = (settings.BandwidthMbps, settings.BandwidthClass);
            (old, _changed) = (_changed, new CancellationTokenSource());
        }

        _own.SetRate(BandwidthClass.ToBytes(settings.BandwidthMbps));
        old.Cancel();
    }

    /// <summary>Before the others of the class until it is disposed.</summary>
    public IDisposable GoFirst()
    {
        Count(1);
        return new Turn(this);
    }

    /// <summary>The lower of its own limit and its class's; <see cref="double.MaxValue"/> without either.</summary>
    public double BytesPerSecond
    {
        get
        {
            double? mbps;
            string? name;
            lock (_lock)
            {
                (mbps, name) = (_mbps, _class);
            }

            return Math.Min(BandwidthClass.ToBytes(mbps) ?? double.MaxValue, (name is null ? null : _book.Get(name)?.BytesPerSecond) ?? double.MaxValue);
        }
    }

    /// <summary>Payload bytes to send in one frame, at most <paramref name="most"/>: less on a slow line.</summary>
    public int FrameBytes(int most) => (int)Math.Clamp(BytesPerSecond * FrameSeconds, SmallestFrame, most);

    /// <summary>Returns when <paramref name="bytes"/> may go.</summary>
    public async Task TakeAsync(long bytes, CancellationToken cancellationToken)
    {
        await _own.TakeAsync(_ownFlow, bytes, cancellationToken);
        while (true)
        {
            BandwidthLine? line;
            CancellationToken changed;
            lock (_lock)
            {
                _line = line = _class is { } name ? _book.Line(name, _copy) : null;
                changed = _changed.Token;
                line?.SetFirst(_flow, _first > 0);
            }

            if (line is null)
            {
                return;
            }

            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, changed);
            try
            {
                await line.TakeAsync(_flow, bytes, either.Token);
                return;
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                // Another class now: what was to be sent waits there.
            }
        }
    }

    public void Dispose()
    {
        _own.Dispose();
        _changed.Dispose();
    }

    private void Count(int change)
    {
        lock (_lock)
        {
            _first += change;
            _line?.SetFirst(_flow, _first > 0);
        }
    }

    private sealed class Turn(CopyPace pace) : IDisposable
    {
        private int _ended;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _ended, 1) == 0)
            {
                pace.Count(-1);
            }
        }
    }
}
