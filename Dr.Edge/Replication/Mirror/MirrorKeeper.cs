using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Disk;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Replication.Mirror;

/// <summary>
/// One copy's mirror: feeds the machine with what happens, lets writes wait or go as it says, and brings its records to where they belong, one after the other and the newest only. Writes
/// that a record holds back wait until it is through: what cannot be recorded is tried again.
/// </summary>
internal sealed partial class MirrorKeeper : IAsyncDisposable
{
    private static readonly TimeSpan TickEvery = TimeSpan.FromMilliseconds(250);

    /// <summary>A peer that is connected gets this long to record that it is out of date; without an answer it is as good as gone.</summary>
    private static readonly TimeSpan PeerPatience = TimeSpan.FromSeconds(5);

    private readonly Volume _volume;
    private readonly string _peer;
    private readonly SyncBarrier _barrier;
    private readonly Action<SequenceNumber> _askToFlush;
    private readonly Action _push;
    private readonly IMirrorLedger _ledger;
    private readonly TimeProvider _time;
    private readonly Action _save;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _lock = new(); // Guards everything below; before the barrier's.
    private readonly long _started;
    private readonly bool _differed;
    private MirrorModel _model;
    private MirrorEffect? _pending;
    private MirrorState _onDisk;
    private long _recordOnDisk;
    private bool _lacksOnDisk;
    private DateTimeOffset? _outOfDateSince;
    private MirrorAck _ack;
    private bool _peerListens;
    private long _peerNoted;
    private TaskCompletionSource _signal = NewSignal();
    private Task _running = Task.CompletedTask;

    public MirrorKeeper(Volume volume, CopySettings settings, SyncBarrier barrier, Action<SequenceNumber> askToFlush, Action push, IMirrorLedger ledger, TimeProvider time, Action save, ILogger logger)
    {
        (_volume, _peer, _barrier, _askToFlush, _push, _ledger, _time, _save, _logger) = (volume, settings.Peer, barrier, askToFlush, push, ledger, time, save, logger);
        _ack = settings.Ack;
        _started = time.GetTimestamp();
        _onDisk = settings.RecordedMirror;
        _outOfDateSince = settings.OutOfDateSince;
        _lacksOnDisk = settings.MirrorLacks;
        _differed = settings.DiffersAt is not null;

        // Above every number used before, also by a record that was told to others and did not get as far as the disk.
        _recordOnDisk = Math.Max(settings.MirrorRecord + 1, time.GetUtcNow().ToUnixTimeMilliseconds());
        _model = MirrorModel.Restore(_onDisk, _recordOnDisk, settings.Mode == CopyMode.Sync, settings.OnLoss, settings.DegradeAfter, TimeSpan.Zero, _lacksOnDisk);
    }

    /// <summary>Raised after what is said of the mirror changed. Not under a lock.</summary>
    public event Action? Changed;

    public MirrorModel Model
    {
        get
        {
            lock (_lock)
            {
                return _model;
            }
        }
    }

    public DateTimeOffset? OutOfDateSince
    {
        get
        {
            lock (_lock)
            {
                return _model.Said == MirrorState.OutOfDate ? _outOfDateSince : null;
            }
        }
    }

    /// <summary>Writes wait from the return on when the disk says that the mirror is whole.</summary>
    public void Start(SequenceNumber durable)
    {
        if (_volume.Role == VolumeRole.Primary && Model.WritesWait)
        {
            _barrier.Engage(this, durable, _ack, _askToFlush, _push);
        }

        if (_volume.Role != VolumeRole.Primary)
        {
            Apply(new MirrorEvent.RoleLost());
        }

        var model = Model;
        Apply(new MirrorEvent.Configured(model.Wanted, model.OnLoss, model.DegradeAfter));
        if (_differed)
        {
            OnLacking(); // Known since before; perhaps not yet to everybody.
        }

        _running = Task.Run(RunAsync);
    }

    public void Configure(CopySettings settings)
    {
        lock (_lock)
        {
            _ack = settings.Ack;
            _barrier.Configure(this, _ack);
        }

        Apply(new MirrorEvent.Configured(settings.Mode == CopyMode.Sync, settings.OnLoss, settings.DegradeAfter));
    }

    /// <summary>The peer hears what is said of it (its version knows how to listen).</summary>
    public void OnConnected()
    {
        lock (_lock)
        {
            (_peerListens, _peerNoted) = (true, 0);
        }
    }

    public void OnLost()
    {
        lock (_lock)
        {
            _peerListens = false;
        }

        Apply(new MirrorEvent.Lost(Now));
    }

    /// <summary>The peer turned out not to have, as we wrote it, something that it had confirmed: whoever takes it for whole hears that it is not (<see cref="MirrorModel.IsNoted"/>).</summary>
    public void OnLacking() => Apply(new MirrorEvent.Lacking(Now));

    public void OnCaughtUp() => Apply(new MirrorEvent.CaughtUp());

    /// <summary>
    /// Lets answers go. Whole is a copy only when what was answered before writes waited for it is on its disk: its disk is what the clients' flushes of that time were about.
    /// </summary>
    public void OnAcknowledged(SequenceNumber applied, SequenceNumber durable)
    {
        Confirm(applied, durable);
        if (Model.Phase == MirrorPhase.Joining)
        {
            Apply(new MirrorEvent.Acknowledged(durable));
        }
    }

    /// <summary>Lets answers go and no more: on the connection's own thread, ahead of what else the acknowledgement means.</summary>
    public void Confirm(SequenceNumber applied, SequenceNumber durable) => _barrier.Acknowledged(this, applied, durable);

    public void OnRoleLost() => Apply(new MirrorEvent.RoleLost());

    public void OnPeerNoted(long record)
    {
        TaskCompletionSource signal;
        lock (_lock)
        {
            _peerNoted = Math.Max(_peerNoted, record);
            signal = Rearm();
        }

        signal.TrySetResult();
    }

    /// <summary>Completes when writes no longer wait for this copy.</summary>
    public async Task WaitReleasedAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task changed;
            lock (_lock)
            {
                if (!_model.WritesWait)
                {
                    return;
                }

                changed = _signal.Task;
            }

            await changed.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Into the settings file.</summary>
    public CopySettings Save(CopySettings settings)
    {
        lock (_lock)
        {
            return settings with { Engaged = false, Mirror = _onDisk, MirrorRecord = _recordOnDisk, MirrorLacks = _lacksOnDisk, OutOfDateSince = _onDisk == MirrorState.OutOfDate ? _outOfDateSince : null };
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _running;
        if (Model.Phase is MirrorPhase.Off or MirrorPhase.Following or MirrorPhase.Joining)
        {
            _barrier.Disengage(this);
        }
        else
        {
            _barrier.Abandon(this); // Somebody may take it for whole.
        }

        _stopping.Dispose();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private TimeSpan Now => _time.GetElapsedTime(_started);

    private void Apply(MirrorEvent happened)
    {
        TaskCompletionSource? signal = null;
        lock (_lock)
        {
            var before = _model;
            (_model, var effects) = MirrorMachine.Apply(_model, happened);
            foreach (var effect in effects)
            {
                Do(effect);
            }

            if (_model == before)
            {
                return;
            }

            if (_model.Said != before.Said)
            {
                _outOfDateSince = _model.Said == MirrorState.OutOfDate ? _time.GetUtcNow() : null;
            }

            LogPhase(_volume.Name, _peer, before.Phase, _model.Phase);
            signal = Rearm();
        }

        signal.TrySetResult();
        _ledger.Changed();
        Changed?.Invoke();
    }

    private TaskCompletionSource Rearm()
    {
        var old = _signal;
        _signal = NewSignal();
        return old;
    }

    private void Do(MirrorEffect effect)
    {
        switch (effect)
        {
            case MirrorEffect.Engage:
                // First the wait, then the look at the end: what passed before lies within it.
                _barrier.Engage(this, SequenceNumber.Zero, _ack, _askToFlush, _push);
                var end = _volume.Appended;
                (_model, _) = MirrorMachine.Apply(_model, new MirrorEvent.Engaged(end));
                _askToFlush(end);
                break;
            case MirrorEffect.Disengage:
                _barrier.Disengage(this);
                break;
            default:
                _pending = effect; // The newest record says it all.
                break;
        }
    }

    private async Task RunAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            Task changed;
            MirrorEffect? effect;
            lock (_lock)
            {
                (effect, changed) = (_pending, _signal.Task);
            }

            try
            {
                if (effect is not null)
                {
                    await RecordAsync(effect);
                    continue;
                }

                await WaitAsync(changed);
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                // Whatever it is: writes that wait for the record go on waiting (better late than answered and nowhere), and a keeper that ended here would have them wait for good.
                LogNotRecorded(_volume.Name, _peer, exception is IOException or DrException ? exception.Message : exception.ToString());
                await Task.Delay(TickEvery, _time, CancellationToken.None);
            }
        }
    }

    private async Task WaitAsync(Task changed)
    {
        var model = Model;
        var ticks = model.OnLoss == LossPolicy.Degrade && model.Phase is MirrorPhase.Whole or MirrorPhase.Late;
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
        var tick = Task.Delay(ticks ? TickEvery : Timeout.InfiniteTimeSpan, _time, waiting.Token);
        await Task.WhenAny(changed.WaitAsync(_stopping.Token), tick);
        await waiting.CancelAsync();
        _stopping.Token.ThrowIfCancellationRequested();
        if (ticks)
        {
            Apply(new MirrorEvent.Tick(Now, _barrier.StalledFor(this)));
        }
    }

    private async Task RecordAsync(MirrorEffect effect)
    {
        var (record, state) = effect switch
        {
            MirrorEffect.Save save => (save.Record, save.State),
            MirrorEffect.Note note => (note.Record, note.State),
            _ => throw new InvariantException("only records are written later"),
        };
        if (effect is MirrorEffect.Note)
        {
            LogNoting(_volume.Name, _peer);
            await NoteAsync(effect, record);
        }

        lock (_lock)
        {
            if (_pending != effect)
            {
                return; // Overtaken by a newer one.
            }

            (_onDisk, _recordOnDisk, _lacksOnDisk) = (state, record, effect is MirrorEffect.Note { Lacks: true });
        }

        _save();
        StoreFaults.Pass(CopyPoints.MirrorRecorded);
        lock (_lock)
        {
            _pending = _pending == effect ? null : _pending;
        }

        Apply(new MirrorEvent.Recorded(record));
    }

    // Ends early when a newer record takes its place.
    private async Task NoteAsync(MirrorEffect effect, long record)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
        var noting = Task.WhenAll(_ledger.NoteAsync(_volume, _peer, record, ending.Token), HearPeerAsync(record, ending.Token));
        while (!noting.IsCompleted)
        {
            Task changed;
            lock (_lock)
            {
                if (_pending != effect)
                {
                    break;
                }

                changed = _signal.Task;
            }

            await Task.WhenAny(noting, changed);
        }

        if (!noting.IsCompleted)
        {
            await ending.CancelAsync();
        }

        try
        {
            await noting;
        }
        catch (OperationCanceledException) when (!_stopping.IsCancellationRequested)
        {
            // Overtaken.
        }
    }

    private async Task HearPeerAsync(long record, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(PeerPatience);
        while (true)
        {
            Task changed;
            lock (_lock)
            {
                if (!_peerListens || _peerNoted >= record)
                {
                    return;
                }

                changed = _signal.Task;
            }

            try
            {
                await changed.WaitAsync(patience.Token);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                return;
            }
        }
    }

    [LoggerMessage(2321, LogLevel.Information, "{Volume}: the mirror at {Peer} goes from {Before} to {After}")]
    private partial void LogPhase(string volume, string peer, MirrorPhase before, MirrorPhase after);

    [LoggerMessage(2322, LogLevel.Warning, "{Volume}: the mirror at {Peer} is lost; writes go on without it as soon as that is recorded")]
    private partial void LogNoting(string volume, string peer);

    [LoggerMessage(2323, LogLevel.Error, "{Volume}: the state of the mirror at {Peer} could not be recorded, writes wait until it is: {Reason}")]
    private partial void LogNotRecorded(string volume, string peer, string reason);
}
