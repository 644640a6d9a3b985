using Dr.Contracts.Wire;
using Dr.Edge.Replication.Holds;
using Dr.Edge.Replication.Leases;
using Dr.Edge.Replication.Line;
using Dr.Edge.Replication.Line.Bandwidth;
using Dr.Edge.Replication.Mirror;
using Dr.Edge.Replication.Status;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Disk;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Replication;

/// <summary>
/// One copy of one volume at one peer, for as long as it is configured. Sends while the volume is primary here; keeps the history that the peer lacks; remembers what it learned from one
/// connection to the next.
/// </summary>
internal sealed partial class SourceCopy : IAsyncDisposable
{
    /// <summary>In the status, which travels with every beat; the file keeps some more.</summary>
    private const int ShownGaps = 4;

    private readonly Action<SourceCopy> _save;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _lock = new(); // Guards _settings, _change and _comingHome.
    private readonly PeerSession _peer;
    private CopySettings _settings;
    private TaskCompletionSource _change = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Epoch _fencedAt;
    private Epoch _primaryAt;
    private Task _running = Task.CompletedTask;
    private IDisposable? _comingHome;
    private SourceConnection? _lastConnection;
    private long _flushWanted;
    private volatile SourceStream? _source;
    private readonly SemaphoreSlim _wanted = new(0);

    public SourceCopy(Volume volume, CopySettings settings, PeerSession peer, SyncBarrier barrier, IMirrorLedger ledger, BandwidthBook bandwidth, TimeProvider time, Action<SourceCopy> save, ILogger logger)
    {
        (Volume, _settings, _peer, Time, _save, _logger) = (volume, settings, peer, time, save, logger);
        _primaryAt = volume.State.PrimaryEpoch;
        Progress = new CopyProgress(time);
        Vows = new VowBook(time);
        Holds = new HoldKeeper(volume, settings, () => Settings.HoldBudgetBytes, () => save(this), time, logger);
        Mirror = new MirrorKeeper(volume, settings, barrier, AskToFlush, Push, ledger, time, () => save(this), logger);
        Pace = new CopyPace(bandwidth, $"{volume.Id}|{settings.Peer}", settings, time);
    }

    public Volume Volume { get; }

    public TimeProvider Time { get; }

    public MirrorKeeper Mirror { get; }

    public HoldKeeper Holds { get; }

    public CopyPace Pace { get; }

    /// <summary>What the line carries; measured by the session.</summary>
    public LineGauge Line { get; } = new();

    public CopyProgress Progress { get; }

    /// <summary>What the copy has promised while the control plane does not answer.</summary>
    public VowBook Vows { get; }

    /// <summary>Connections that carried the copy since this side's start: more than one means that the line or the peer broke.</summary>
    public int Connections { get; private set; }

    /// <summary>Points that turned out different on the two sides: never a base again, also after a restart, until a whole content was proven.</summary>
    public IReadOnlySet<PointId> Distrusted => Settings.Distrusted.ToHashSet();

    /// <summary>Where the peer stood when its last write turned out not to be ours. Kept as <see cref="Distrusted"/> is: nothing there counts as held, and no journal goes on from it.</summary>
    public SequenceNumber? DiffersAt => Settings.DiffersAt is { } at ? new SequenceNumber(at) : null;

    /// <summary>Wakes the stream that sends this copy: for writes, answers, changes and requests to flush.</summary>
    public WorkSignal Work { get; } = new();

    /// <summary>Up to here the peer is to make durable what it has, at once; a position that a client or a command waits for.</summary>
    public SequenceNumber FlushWanted => new(Volatile.Read(ref _flushWanted));

    /// <summary>Where the peer was told to go back to, last.</summary>
    public SequenceNumber? RewindTo { get; set; }

    /// <summary>A position that the peer could not go back to, because its history begins later. In memory: asking again does no harm.</summary>
    public SequenceNumber? RewindGoneAt { get; private set; }

    /// <summary>Where the journal that is being sent goes on from; null: a delta is sent, or nothing.</summary>
    public SequenceNumber? JournalAfter { get; set; }

    /// <summary>What the delta that is being sent starts from; null: from nothing.</summary>
    public PointId? DeltaBase { get; set; }

    public CopySettings Settings
    {
        get
        {
            lock (_lock)
            {
                return _settings;
            }
        }
    }

    public void Start()
    {
        var settings = Settings;
        Holds.Start();
        Mirror.Changed += OnMirrorChanged;
        Mirror.Start(new SequenceNumber(settings.Acknowledged));
        Volume.StateChanged += OnVolumeChanged;
        _running = Task.Run(RunAsync);
    }

    /// <summary>New mode, options or bandwidth, at once; a mirror that was whole lets writes go when it is recorded that it no longer is.</summary>
    public void Change(Func<CopySettings, CopySettings> change)
    {
        CopySettings settings;
        lock (_lock)
        {
            settings = _settings = change(_settings);
        }

        Pace.Configure(settings);
        Mirror.Configure(settings);
        Signal();
    }

    public CopyStatus ToStatus()
    {
        var settings = Settings;

        // What is remembered is about this side's own writes: a copy that follows another owner now has forgotten it.
        var remembered = Volume.Role == VolumeRole.Primary ? new SequenceNumber(settings.Acknowledged) : SequenceNumber.Zero;
        var durable = Progress.Durable;
        var mirror = Mirror.Model;
        return Progress.ToStatus(new CopyView(settings, Volume.Appended, Volume.JournalBytesAfter(durable > remembered ? durable : remembered), remembered, Volume.Points)) with
        {
            Mirror = mirror.Said,
            MirrorRecord = mirror.Record,
            OutOfDateSince = Mirror.OutOfDateSince,
            Gaps = [.. Holds.Gaps.TakeLast(ShownGaps)],
            HeldBytes = Holds.HeldBytes,
            HoldBudgetBytes = Holds.BudgetBytes,
            BandwidthClass = settings.BandwidthClass,
            Ack = settings.Ack,
        };
    }

    /// <summary>Has the peer flush as soon as it has this; returns at once. A request outlives the connection.</summary>
    public void AskToFlush(SequenceNumber upTo)
    {
        var wanted = Volatile.Read(ref _flushWanted);
        while (upTo.Value > wanted)
        {
            var before = Interlocked.CompareExchange(ref _flushWanted, upTo.Value, wanted);
            if (before == wanted)
            {
                Hurry();
                Work.Set();
                return;
            }

            wanted = before;
        }
    }

    /// <summary>Sends what is appended, on the thread of a writer that waits for it; returns before it is answered.</summary>
    public void Push()
    {
        if (_source is not { } source || !source.TryPush())
        {
            Work.Set();
        }
    }

    /// <summary>Returns when the peer has <paramref name="sequence"/> and the point (or a newer one) on its disk.</summary>
    public async Task WaitDurableAsync(SequenceNumber sequence, PointId? point, CancellationToken cancellationToken)
    {
        AskToFlush(sequence);
        bool Holds() => Progress.Durable >= sequence && (point is null || Progress.LastCommonPoint >= point);
        while (!Holds())
        {
            var changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            void OnChanged() => changed.TrySetResult();
            Progress.Changed += OnChanged;
            try
            {
                if (Holds())
                {
                    return;
                }

                if (Progress.State is CopyState.Failed or CopyState.Diverged)
                {
                    throw new DrException($"The copy at {Settings.Peer} is not going on: {ToStatus().Detail}", "See 'dr-edge copy status'.");
                }

                await changed.Task.WaitAsync(cancellationToken);
            }
            finally
            {
                Progress.Changed -= OnChanged;
            }
        }
    }

    public Task WaitForChangeAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            return _change.Task.WaitAsync(cancellationToken);
        }
    }

    /// <summary>The way home after a takeover (the peer has a tail to give up, or this side has only just become the owner) goes before other traffic, until the copy is current.</summary>
    public void ComeHomeFirst()
    {
        lock (_lock)
        {
            _comingHome ??= Pace.GoFirst();
        }
    }

    public void OnPosition(Position position)
    {
        var ours = Volume.Marks();
        var differsAt = position.Appended >= DiffersAt ? DiffersAt : null;
        var common = position.Points.LastOrDefault(p => ours.Contains(p) && !(p.Sequence >= differsAt));

        // Only what both share counts as held: the numbers of a diverged copy say nothing about our writes.
        var meeting = Meeting.Of(Volume.History(), new CopyHistory(position.Chain, position.Appended));
        var isDiverged = meeting.Kind == MeetingKind.Diverged;
        var shared = differsAt is not null ? common.Sequence
            : isDiverged || meeting.Kind is MeetingKind.Equal or MeetingKind.TargetBehind ? meeting.Common
            : SequenceNumber.Zero;

        if (differsAt is null && meeting.Kind is MeetingKind.Equal or MeetingKind.TargetBehind && shared.Value < Math.Max(Settings.Acknowledged, Progress.Durable.Value))
        {
            Mirror.OnLacking(); // It has lost what was on its disk.
        }

        // What a diverged copy holds beside our history has to go first: until then a takeover there would show something else.
        Progress.Acknowledged(shared, isDiverged || differsAt is not null ? SequenceNumber.Zero : shared, common == default ? null : common.Id, position.StagedBlock);
        Mirror.OnAcknowledged(shared, shared);
        Holds.Acknowledged(shared, common == default ? null : common.Sequence);
    }

    public void OnAcknowledged(Ack ack)
    {
        var newest = Volume.Points.FirstOrDefault(p => p.Id == ack.NewestPoint);
        Progress.Acknowledged(ack.Received, ack.Durable, newest?.Id, ack.StagedBlock);
        Mirror.OnAcknowledged(ack.Applied, ack.Durable);
        var common = Progress.LastCommonPoint is { } id ? Volume.Points.FirstOrDefault(p => p.Id == id)?.Sequence : null;
        Holds.Acknowledged(ack.Durable, common);
    }

    /// <summary>All that is appended has been sent. A synchronous copy begins to count now.</summary>
    public void OnCaughtUp()
    {
        IsHome();
        if (Settings.Mode != CopyMode.Sync)
        {
            Progress.Enter(CopyState.Current);
            return;
        }

        Mirror.OnCaughtUp();

        // When the peer had everything before writes began to wait, no further acknowledgement would come.
        Mirror.OnAcknowledged(Progress.Durable, Progress.Durable);
        if (Mirror.Model.Phase == MirrorPhase.Whole && Progress.State != CopyState.Current)
        {
            Progress.Enter(CopyState.Current);
        }
    }

    /// <summary>The connection carries this copy's stream from now on.</summary>
    public void OnOpened(bool peerHearsOfMirrors)
    {
        if (peerHearsOfMirrors)
        {
            Mirror.OnConnected();
        }
    }

    /// <summary>The delta that is being sent has what differed by digest from a point of the peer's.</summary>
    public bool IsComparing { get; set; }

    /// <summary>Such a delta did not lead to the right content: the next is from nothing.</summary>
    public bool ComparedWrongly { get; private set; }

    /// <summary>A delta was committed: digests of everything agreed.</summary>
    public void OnProven()
    {
        RewindGoneAt = null;
        ComparedWrongly = false;
        Believe(settings => settings with { Distrusted = [], DiffersAt = null });
    }

    public void OnDivergentBlocks(int count)
    {
        Progress.Diverged(count);
        LogDivergent(_logger, Volume.Name, Settings.Peer, count);
    }

    public async ValueTask DisposeAsync()
    {
        Volume.StateChanged -= OnVolumeChanged;
        await _stopping.CancelAsync();
        await _running;
        Mirror.Changed -= OnMirrorChanged;
        await Mirror.DisposeAsync();
        Holds.Dispose();
        Pace.Dispose();
        _stopping.Dispose();
    }

    /// <summary>There was nothing more to send: the copy is one among the others again.</summary>
    public void IsHome()
    {
        lock (_lock)
        {
            _comingHome?.Dispose();
            _comingHome = null;
        }
    }

    /// <summary>For the settings file: what the peer is known to have.</summary>
    public CopySettings ToSaved()
    {
        lock (_lock)
        {
            return _settings = Holds.Save(Mirror.Save(_settings));
        }
    }

    // A demoted source that the new owner has fenced has nothing more to finish.
    private bool IsOver => _fencedAt >= Volume.Epoch && Volume.Role != VolumeRole.Primary;

    private async Task RunAsync()
    {
        var failures = 0;
        var had = SequenceNumber.Zero;
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                if (!Volume.MaySend() || Volume.Fault is not null || IsOver)
                {
                    var change = WaitForChangeAsync(_stopping.Token);
                    if (!Volume.MaySend() || Volume.Fault is not null || IsOver)
                    {
                        Progress.Enter(CopyState.Paused, Volume.Fault ?? $"this side is {(Volume.Role == VolumeRole.Replica ? "a replica" : "demoted")}");
                        await change;
                    }

                    continue;
                }

                Progress.Enter(CopyState.Connecting, _peer.Trouble);
                had = Progress.Durable;
                if (await StreamUntilRefusedAsync())
                {
                    continue;
                }
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception) when (exception is DrException or OperationCanceledException or IOException)
            {
                // The connection, the peer or the disk: all may clear, and the next attempt starts from what is on disk.
                Progress.Enter(CopyState.Connecting, exception is OperationCanceledException ? "the connection to the peer ended" : exception.Message);
            }
            catch (Exception exception)
            {
                // A fault of our own must not end the copy unseen: it is shown, logged with its place, and tried again from what is on disk.
                LogFault(_logger, Volume.Name, Settings.Peer, exception);
                Progress.Enter(CopyState.Failed, exception.Message);
            }

            // A connection alone is no success: a peer that refuses must not be asked ten times a second.
            failures = Progress.Durable > had ? 1 : failures + 1;
            await PauseAsync(failures);
        }
    }

    // False: the peer refused, and it is noted what follows from that. What noting meets (a full disk) is for the loop, as whatever else is.
    private async Task<bool> StreamUntilRefusedAsync()
    {
        try
        {
            await StreamOnceAsync();
            return true;
        }
        catch (StreamRefusedException exception)
        {
            OnRefused(exception);
            return false;
        }
    }

    private async Task StreamOnceAsync()
    {
        var connecting = _peer.GetAsync(_stopping.Token);
        while (!connecting.IsCompleted)
        {
            await Task.WhenAny(connecting, Task.Delay(TimeSpan.FromMilliseconds(500), Time, _stopping.Token));
            if (!connecting.IsCompleted)
            {
                Progress.Enter(CopyState.Connecting, _peer.Trouble);
                if (!Volume.MaySend())
                {
                    return;
                }
            }
        }

        var connection = await connecting;
        if (connection != _lastConnection)
        {
            (_lastConnection, Connections) = (connection, Connections + 1);
        }

        var (stream, inbox) = connection.Open(Work);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token, connection.Ended.Token);
        try
        {
            using var source = new SourceStream(this, connection, stream, inbox, either.Token);
            _source = source;
            await source.RunAsync(either.Token);
        }
        finally
        {
            _source = null;
            connection.Close(stream);
            Mirror.OnLost();
            Holds.OnLost();
            _save(this);
        }
    }

    private void OnRefused(StreamRefusedException exception)
    {
        switch (exception.Code)
        {
            case RefusalCode.Digest:
                // One step down the ladder: what both believed to share is not shared. First of all it is no mirror any more.
                Mirror.OnLacking();
                if (JournalAfter is { } after)
                {
                    Believe(settings => settings with { DiffersAt = after.Value });
                }
                else if (IsComparing)
                {
                    ComparedWrongly = true;
                }
                else if (DeltaBase is { } wrong)
                {
                    Believe(settings => settings with { Distrusted = [.. settings.Distrusted, wrong] });
                }

                Progress.Enter(CopyState.CatchingUp, exception.Message);
                break;
            case RefusalCode.PositionGone:
                // One step down the ladder: everything, beside what the peer keeps as a clone.
                RewindGoneAt = RewindTo;
                Progress.Enter(CopyState.CatchingUp, exception.Message);
                break;
            case RefusalCode.Unrelated or RefusalCode.WrongDirection or RefusalCode.Conflict:
                Progress.Enter(CopyState.Diverged, exception.Message);
                break;
            case RefusalCode.Fenced:
                _fencedAt = Volume.Epoch;
                Progress.Enter(CopyState.Paused, exception.Message);
                break;
            case RefusalCode.Busy or RefusalCode.Later or RefusalCode.Protocol:
                Progress.Enter(CopyState.Connecting, exception.Message);
                break;
            default:
                Progress.Enter(CopyState.Failed, exception.Message);
                break;
        }

        LogRefused(_logger, Volume.Name, Settings.Peer, exception.Code, exception.Message);
    }

    // On the disk before anything follows from it.
    private void Believe(Func<CopySettings, CopySettings> change)
    {
        lock (_lock)
        {
            var changed = change(_settings);
            if (changed.DiffersAt == _settings.DiffersAt && changed.Distrusted.Count == _settings.Distrusted.Count)
            {
                return;
            }

            _settings = changed;
        }

        _save(this);
        StoreFaults.Pass(CopyPoints.Believed);
    }

    private async Task PauseAsync(int failures)
    {
        try
        {
            await Task.WhenAny(WaitForChangeAsync(_stopping.Token), Task.Delay(Backoff.After(failures, Random.Shared.NextDouble()), Time, _stopping.Token));
        }
        catch (OperationCanceledException)
        {
            // Stopping: the loop sees it.
        }
    }

    private void OnVolumeChanged(Volume volume)
    {
        if (volume.Role != VolumeRole.Primary)
        {
            // Whoever owns the volume next begins anew with what its copies have.
            Mirror.OnRoleLost();
        }

        else if (volume.State.PrimaryEpoch != _primaryAt)
        {
            _primaryAt = volume.State.PrimaryEpoch;
            ComeHomeFirst();
        }

        if (volume.Role == VolumeRole.Replica)
        {
            Progress.Acknowledged(default, default, null, 0);

            // It was about our own writes.
            try
            {
                Believe(settings => settings with { DiffersAt = null });
            }
            catch (Exception exception) when (exception is IOException or DrException or UnauthorizedAccessException)
            {
                // To remember a difference that is none costs a comparison; the change of role must not fail by it.
                LogFault(_logger, Volume.Name, Settings.Peer, exception);
            }
        }

        Signal();
    }

    /// <summary>Waits so long, or until somebody waits for the copy or something about it changes.</summary>
    public Task UntilWantedAsync(TimeSpan atMost, CancellationToken cancellationToken) => _wanted.WaitAsync(atMost, cancellationToken);

    // One too many ends a wait early, and no more.
    private void Hurry()
    {
        if (_wanted.CurrentCount == 0)
        {
            _wanted.Release();
        }
    }

    private void OnMirrorChanged()
    {
        if (Mirror.Model.Phase == MirrorPhase.Whole && Progress.State == CopyState.CatchingUp)
        {
            Progress.Enter(CopyState.Current);
        }

        Signal();
    }

    private void Signal()
    {
        TaskCompletionSource old;
        lock (_lock)
        {
            old = _change;
            _change = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        old.TrySetResult();
        Hurry();
        Work.Set();
    }

    [LoggerMessage(2302, LogLevel.Warning, "{Volume}: the copy at {Peer} does not go on ({Code}): {Reason}")]
    private static partial void LogRefused(ILogger logger, string volume, string peer, RefusalCode code, string reason);

    [LoggerMessage(2304, LogLevel.Error, "{Volume}: sending to {Peer} failed unexpectedly; it is tried again")]
    private static partial void LogFault(ILogger logger, string volume, string peer, Exception exception);

    [LoggerMessage(2303, LogLevel.Warning, "{Volume}: the copy at {Peer} had {Count} blocks of its base different from ours; they were sent whole")]
    private static partial void LogDivergent(ILogger logger, string volume, string peer, int count);
}
