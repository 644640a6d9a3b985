using Dr.Edge.Replication.Changes;
using Dr.Edge.Volumes;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Replication.Holds;

/// <summary>
/// Keeps at the primary what one copy lacks, as long as the budget allows, and remembers what was given up. A gap is on the disk before the history that it names is let go.
/// </summary>
internal sealed partial class HoldKeeper : IDisposable
{
    /// <summary>Gaps kept in the file; older ones were closed long ago.</summary>
    private const int RememberedGaps = 16;

    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(2);

    private readonly Volume _volume;
    private readonly string _peer;
    private readonly Func<long?> _budget;
    private readonly Action _save;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Lock _reviewing = new(); // One review at a time; before the other lock.
    private readonly Lock _lock = new(); // Guards everything below.
    private readonly ITimer _timer;
    private readonly ChangeMapKeeper _map; // Under the reviewing lock.
    private List<CopyGap> _gaps;
    private SequenceNumber _durable;
    private SequenceNumber? _common;
    private SequenceNumber? _mappedUpTo;
    private HoldLevel _level;
    private (SequenceNumber? Journal, SequenceNumber? Point) _placed;
    private IDisposable? _journalHold;
    private IDisposable? _pointHold;
    private bool _keepsPoint = true;
    private bool _away = true;
    private bool _disposed;

    public HoldKeeper(Volume volume, CopySettings settings, Func<long?> budget, Action save, TimeProvider time, ILogger logger)
    {
        (_volume, _peer, _budget, _save, _time, _logger) = (volume, settings.Peer, budget, save, time, logger);
        _durable = new SequenceNumber(settings.Acknowledged);
        _common = settings.CommonSequence is { } common ? new SequenceNumber(common) : null;
        _gaps = [.. settings.Gaps];
        _map = new ChangeMapKeeper(volume, settings.Peer);
        _mappedUpTo = _map.UpTo;
        _level = !HasOpenGap ? HoldLevel.Journal : _mappedUpTo is null ? HoldLevel.Point : HoldLevel.Map;
        _timer = time.CreateTimer(_ => Review(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public HoldLevel Level
    {
        get
        {
            lock (_lock)
            {
                return _level;
            }
        }
    }

    public IReadOnlyList<CopyGap> Gaps
    {
        get
        {
            lock (_lock)
            {
                return [.. _gaps];
            }
        }
    }

    public long BudgetBytes => _budget() ?? HoldPlan.DefaultBudget(_volume.Space.Use.SizeBytes);

    /// <summary>What is kept for the copy's sake; zero once the log was given up, and for a copy that has nothing yet.</summary>
    public long HeldBytes => Level == HoldLevel.Journal && Known.Durable > SequenceNumber.Zero ? _volume.JournalBytesAfter(Known.Durable) : 0;

    /// <summary>A point of the peer's at this position can be the base of a delta of what is in the change map.</summary>
    public SequenceNumber? MappedFrom
    {
        get
        {
            lock (_reviewing)
            {
                return _map.After;
            }
        }
    }

    /// <summary>The blocks written after <see cref="MappedFrom"/>, up to the position at least; null when that cannot be said: then the map is gone.</summary>
    public IReadOnlyList<BlockRange>? ListMapped(SequenceNumber upTo)
    {
        lock (_reviewing)
        {
            var changed = _map.TryList(upTo);
            if (changed is null)
            {
                LogMapUnusable(_volume.Name, _peer);
                _map.Drop();
            }

            return changed;
        }
    }

    /// <summary>The copy is removed: nothing is kept for it any more.</summary>
    public void Forget()
    {
        lock (_reviewing)
        {
            _map.Drop();
        }
    }

    public void Start()
    {
        Review();
        _timer.Change(LookEvery, LookEvery);
    }

    /// <summary>The peer has this on its disk, and this is the newest point of both (null: none).</summary>
    public void Acknowledged(SequenceNumber durable, SequenceNumber? common)
    {
        lock (_lock)
        {
            if ((durable, common, false) == (_durable, _common, _away))
            {
                return;
            }

            (_durable, _common, _away) = (durable, common, false);
        }

        Place();
        if (HasOpenGap)
        {
            Review();
        }
    }

    /// <summary>The connection is gone: from now on a gap grows with the log.</summary>
    public void OnLost()
    {
        lock (_lock)
        {
            _away = true;
        }
    }

    /// <summary>Into the settings file.</summary>
    public CopySettings Save(CopySettings settings)
    {
        lock (_lock)
        {
            return settings with { Acknowledged = _durable.Value, CommonSequence = _common?.Value, Gaps = [.. _gaps] };
        }
    }

    /// <summary>One look; tests call it instead of waiting for the timer.</summary>
    internal void Review()
    {
        lock (_reviewing)
        {
            if (_volume.Role != VolumeRole.Primary || _volume.Fault is not null || _disposed)
            {
                return;
            }

            try
            {
                ReviewLocked();
            }
            catch (Exception exception) when (exception.MayPass())
            {
                // Nothing was let go; the next look comes soon.
                LogNotReviewed(_volume.Name, _peer, exception.Message);
            }
        }
    }

    public void Dispose()
    {
        lock (_reviewing)
        {
            _disposed = true;
        }

        _timer.Dispose();
        lock (_lock)
        {
            _journalHold?.Dispose();
            _pointHold?.Dispose();
            (_journalHold, _pointHold) = (null, null);
        }
    }

    private bool HasOpenGap => _gaps.Count > 0 && _gaps[^1].ClosedAt is null;

    private (SequenceNumber Durable, SequenceNumber? Common) Known
    {
        get
        {
            lock (_lock)
            {
                return (_durable, _common);
            }
        }
    }

    private void ReviewLocked()
    {
        var (durable, common) = Known;
        var journal = _volume.JournalBytesAfter(durable);
        var sincePoint = common is { } at ? _volume.JournalBytesAfter(at) : 0;
        var budget = BudgetBytes;
        CopyGap? closed = null;
        CopyGap? opened = null;
        HoldLevel level;
        HoldView view;
        lock (_lock)
        {
            closed = CloseGap();
            if (_durable == SequenceNumber.Zero)
            {
                return; // Nothing to keep for a copy that has nothing.
            }

            view = new HoldView(_level, common is not null, HasOpenGap, journal, sincePoint, budget, _volume.Space.IsShort, _map.After is not null);
            level = HoldPlan.Decide(view);
            _keepsPoint = HoldPlan.KeepsPoint(view);
            if (HasOpenGap && _away)
            {
                _gaps[^1] = _gaps[^1] with { UpTo = _volume.Appended };
            }

            if (_level == HoldLevel.Journal && level < HoldLevel.Journal)
            {
                opened = new CopyGap
                {
                    After = _durable,
                    UpTo = _volume.Appended,
                    Since = _time.GetUtcNow(),
                    Reason = view.IsShort ? "the disk was running out of space" : $"the log kept for the copy passed its budget of {budget / (1 << 20)} MiB",
                };
                _gaps = [.. _gaps.Append(opened).TakeLast(RememberedGaps)];
            }
        }

        if (opened is not null || closed is not null)
        {
            _save();
        }

        if (opened is not null)
        {
            LogGap(_volume.Name, _peer, opened.After, opened.Reason);
        }

        // A peer that is back no longer shares its point with us: the map is of that point all the same.
        if (level == HoldLevel.Map && !KeepMap(view, common ?? _map.After))
        {
            level = HoldLevel.Nothing;
        }

        lock (_lock)
        {
            (_level, _mappedUpTo) = (level, _map.UpTo);
        }

        Place();
        if (level > HoldLevel.Map && _map.After is not null)
        {
            _map.Drop();
        }
    }

    // On the disk before the history that it stands for is let go. False: there is none, and the copy is compared by digests when it is back.
    private bool KeepMap(HoldView view, SequenceNumber? common)
    {
        if (common is not { } after)
        {
            return false;
        }

        try
        {
            _map.Begin(after);
            if (_map.UpTo is { } end && HoldPlan.AdvancesMap(view, _volume.JournalBytesAfter(end)))
            {
                _map.Advance();
            }

            return true;
        }
        catch (Exception exception) when (exception is IOException or DrException)
        {
            // Production goes first: a full disk gets the history's space all the same.
            LogNoMap(_volume.Name, _peer, exception.Message);
            _map.Drop();
            return false;
        }
    }

    // Passed only when the copy has everything up to the end that the gap had when it came back.
    private CopyGap? CloseGap()
    {
        if (!HasOpenGap || _away || _durable < _gaps[^1].UpTo)
        {
            return null;
        }

        LogClosed(_volume.Name, _peer, _gaps[^1].UpTo);
        return _gaps[^1] = _gaps[^1] with { ClosedAt = _time.GetUtcNow() };
    }

    // The new hold is taken before the old one is let go.
    private void Place()
    {
        lock (_lock)
        {
            if (_disposed)
            {
                return;
            }

            // A copy that has nothing needs no history: it gets a point of its own.
            var level = _durable == SequenceNumber.Zero ? HoldLevel.Nothing : _level;
            (SequenceNumber? Journal, SequenceNumber? Point) wanted =
                (level == HoldLevel.Journal ? _durable : null, level >= HoldLevel.Point && _keepsPoint ? _common : level == HoldLevel.Map ? _mappedUpTo : null);
            if (wanted.Journal != _placed.Journal)
            {
                var old = _journalHold;
                _journalHold = Take(wanted.Journal, _volume.Hold);
                old?.Dispose();
            }

            if (wanted.Point != _placed.Point)
            {
                var old = _pointHold;
                _pointHold = Take(wanted.Point, _volume.HoldPosition);
                old?.Dispose();
            }

            _placed = wanted;
        }
    }

    private IDisposable? Take(SequenceNumber? from, Func<SequenceNumber, string, IDisposable> hold)
    {
        try
        {
            return from is { } position ? hold(position, $"the copy at {_peer} has no more yet") : null;
        }
        catch (DrException)
        {
            // Gone already (the copy was added again after long): the ladder finds another way.
            return null;
        }
    }

    [LoggerMessage(2341, LogLevel.Warning, "{Volume}: the log after {After} is no longer kept for the copy at {Peer}: {Reason}")]
    private partial void LogGap(string volume, string peer, SequenceNumber after, string reason);

    [LoggerMessage(2342, LogLevel.Information, "{Volume}: the copy at {Peer} has passed its gap up to {UpTo}")]
    private partial void LogClosed(string volume, string peer, SequenceNumber upTo);

    [LoggerMessage(2344, LogLevel.Warning, "{Volume}: what changed for the copy at {Peer} is no longer noted: {Reason}")]
    private partial void LogNoMap(string volume, string peer, string reason);

    [LoggerMessage(2345, LogLevel.Warning, "{Volume}: the map of what changed for the copy at {Peer} cannot be used; digests are compared instead")]
    private partial void LogMapUnusable(string volume, string peer);

    [LoggerMessage(2343, LogLevel.Warning, "{Volume}: what is kept for the copy at {Peer} could not be reviewed: {Reason}")]
    private partial void LogNotReviewed(string volume, string peer, string reason);
}
