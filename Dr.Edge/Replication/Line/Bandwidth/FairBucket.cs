namespace Dr.Edge.Replication.Line.Bandwidth;

/// <summary>
/// A token bucket that several flows share. Pure: time comes in as elapsed time since any start. A flow asks for bytes and may send when all of them were granted; grants go out in slices,
/// each to the waiting flow that has had least (start-time fair queueing), so that none starves and what one leaves the others use. Flows that go first are served before all others.
/// Invariants: what is granted never exceeds the rate times the time plus one burst; while somebody waits, no more than a slice lies unused.
/// </summary>
internal sealed class FairBucket
{
    /// <summary>A tenth of a second's worth may go at once after a pause: enough to keep a line busy between two looks at the clock.</summary>
    private const double BurstSeconds = 0.1;

    /// <summary>Slices last this long, within the two bounds: small enough that nobody notices the turns, large enough that turns cost nothing at a gigabit.</summary>
    private const double SliceSeconds = 0.02;

    private const long SmallestSlice = 4 * 1024;
    private const long LargestSlice = 256 * 1024;

    /// <summary>About one frame of a slow line.</summary>
    private const long SmallestCredit = 64 * 1024;

    private readonly List<FairFlow> _waiting = [];
    private readonly long[] _served = new long[2]; // By rank (normal, first): where the flows that are served stand.
    private double _rate;
    private double _tokens;
    private TimeSpan _at;

    /// <param name="bytesPerSecond">Null = unlimited.</param>
    public FairBucket(double? bytesPerSecond) => SetRate(bytesPerSecond, TimeSpan.Zero);

    public bool IsUnlimited => double.IsInfinity(_rate);

    public int Waiting => _waiting.Count;

    /// <summary>Granted since the start.</summary>
    public long GrantedBytes { get; private set; }

    public long Slice => (long)Math.Clamp(_rate * SliceSeconds, SmallestSlice, LargestSlice);

    /// <summary>How far a flow that comes back may be ahead of the others or behind: it neither saves up a long silence nor pays for what it had alone.</summary>
    public long Credit => IsUnlimited ? SmallestCredit : Math.Max(SmallestCredit, (long)Burst);

    /// <summary>At least two slices: a clock that looks a little late loses nothing.</summary>
    public double Burst => Math.Max(_rate * BurstSeconds, 2 * SmallestSlice);

    /// <summary>Changes the rate at once, also for those who wait; null = unlimited. The caller then serves.</summary>
    public void SetRate(double? bytesPerSecond, TimeSpan now)
    {
        var wasLimited = _rate > 0 && !IsUnlimited;
        if (wasLimited)
        {
            Fill(now);
        }

        _rate = bytesPerSecond is > 0 ? bytesPerSecond.Value : double.PositiveInfinity;
        (_tokens, _at) = (IsUnlimited ? 0 : wasLimited ? Math.Min(_tokens, Burst) : Burst, now);
    }

    /// <summary>One request of a flow at a time.</summary>
    public void Ask(FairFlow flow, long bytes)
    {
        Invariant.Require(!flow.IsWaiting && bytes >= 0, "a flow asks again when it was served");
        (flow.Asked, flow.Left) = (bytes, bytes);
        Join(flow);
        _waiting.Add(flow);
    }

    /// <summary>The flow no longer wants what it asked for: what it was granted of it goes back.</summary>
    public void Withdraw(FairFlow flow)
    {
        if (_waiting.Remove(flow))
        {
            var unused = flow.Asked - flow.Left;
            _tokens += unused;
            GrantedBytes -= unused;
            flow.Left = 0;
        }
    }

    /// <summary>Puts a flow before the others, or back among them, also while it waits.</summary>
    public void SetFirst(FairFlow flow, bool first)
    {
        if (flow.First != first)
        {
            flow.First = first;
            Join(flow);
        }
    }

    /// <summary>Grants what can be granted; <paramref name="done"/> takes the flows that have all they asked for. Returns when to look again, null when nobody waits.</summary>
    public TimeSpan? Serve(TimeSpan now, ICollection<FairFlow> done)
    {
        Fill(now);
        while (Next() is { } flow)
        {
            var slice = Math.Min(flow.Left, Slice);
            if (!IsUnlimited)
            {
                // A hair is forgiven: what the division below loses must not make us look once more.
                if (_tokens + 0.01 < slice)
                {
                    // Rounded up: a wait of nothing would be looked at for ever by a clock that stands still.
                    return TimeSpan.FromTicks((long)Math.Ceiling((slice - _tokens) / _rate * TimeSpan.TicksPerSecond));
                }

                _tokens -= slice;
            }

            GrantedBytes += slice;
            ref var served = ref _served[flow.Rank];
            served = Math.Max(served, flow.Had);
            flow.Had += slice;
            flow.Left -= slice;
            if (flow.Left == 0)
            {
                _waiting.Remove(flow);
                done.Add(flow);
            }
        }

        return null;
    }

    private void Join(FairFlow flow)
    {
        var served = _served[flow.Rank];
        flow.Had = Math.Clamp(flow.Had, served - Credit, served + Credit);
    }

    private FairFlow? Next()
    {
        FairFlow? next = null;
        foreach (var flow in _waiting)
        {
            if (next is null || flow.Rank > next.Rank || (flow.Rank == next.Rank && flow.Had < next.Had))
            {
                next = flow;
            }
        }

        return next;
    }

    private void Fill(TimeSpan now)
    {
        if (IsUnlimited)
        {
            return;
        }

        // What was given back may lie above the burst; only what time brings is capped.
        var filled = _tokens + ((now - _at).TotalSeconds * _rate);
        _tokens = Math.Max(_tokens, Math.Min(Burst, filled));
        _at = now;
    }
}

/// <summary>Who takes from a <see cref="FairBucket"/>; only the bucket writes it.</summary>
internal sealed class FairFlow
{
    public bool First { get; set; }

    public bool IsWaiting => Left > 0;

    /// <summary>Of the present request.</summary>
    public long Asked { get; set; }

    public long Left { get; set; }

    /// <summary>What it has had, in the bucket's own reckoning.</summary>
    public long Had { get; set; }

    public int Rank => First ? 1 : 0;
}
