using System.Threading.Channels;
using Dr.Contracts.Wire;
using Dr.Edge.Replication.Leases;
using Dr.Edge.Replication.Mirror;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Disk;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Replication;

/// <summary>
/// One volume's stream as its target sees it. Invariants: a frame of a lower epoch has no effect; a higher epoch is on disk before anything else happens; nothing is acknowledged
/// as durable before its flush; nothing is taken off here that the owner's history has, and nothing else without being kept as a clone.
/// </summary>
internal sealed partial class TargetStream : IAsyncDisposable
{
    /// <summary>Messages waiting for the disk. When it is full the connection's reader waits: the source's window is what normally bounds it.</summary>
    private const int QueuedMessages = 64;

    /// <summary>A copy that is no older than this keeps up: under a steady load it never has quite all.</summary>
    private static readonly TimeSpan KeepsUp = TimeSpan.FromMinutes(1);

    private readonly TargetContext _context;
    private readonly FrameConnection _connection;
    private readonly int _version;
    private readonly int _stream;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Channel<ReceivedMessage> _inbox = Channel.CreateBounded<ReceivedMessage>(new BoundedChannelOptions(QueuedMessages) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });
    private readonly ReportedHeads _heads = new();
    private readonly SemaphoreSlim _applying = new(1, 1); // Held by whoever applies messages: the stream's task, or the connection's thread when nothing waits before its message.
    private readonly SemaphoreSlim _acknowledging = new(1, 1); // Held from looking at the positions until they are sent: what the source hears never goes back.
    private readonly Task _running;
    private Volume? _volume;
    private Announce? _announce;
    private IReadOnlyList<FormerSize>? _sizes;
    private TargetDelta? _delta;
    private Commit? _commit;
    private TargetFlusher? _flusher;
    private bool _unacknowledged; // Before the version that has flushes: not flushed either.
    private bool _isAwaited;
    private long _heard; // The source's highest epoch; the flusher reads it.
    private volatile bool _ended;

    /// <param name="version">What both ends speak.</param>
    public TargetStream(TargetContext context, FrameConnection connection, int version, int stream)
    {
        (_context, _connection, _version, _stream) = (context, connection, version, stream);
        _running = Task.Run(RunAsync);
    }

    /// <summary>It takes nothing any more and touches nothing.</summary>
    public bool HasEnded => _running.IsCompleted;

    /// <summary>
    /// Takes a message; waits while the stream has too much to do. What was appended at the source is applied before the return when nothing else is under way: a writer waits for it there, and handing it to another thread
    /// would cost more than the work. One thread posts.
    /// </summary>
    public ValueTask PostAsync(ReceivedMessage message, CancellationToken cancellationToken) =>
        message.Header.Type is FrameType.Run or FrameType.Flush && _inbox.Reader.Count == 0 && _applying.Wait(0, CancellationToken.None) ? ApplyHereAsync(message, cancellationToken) : QueueAsync(message, cancellationToken);

    private async ValueTask ApplyHereAsync(ReceivedMessage message, CancellationToken cancellationToken)
    {
        try
        {
            if (!_stopping.IsCancellationRequested)
            {
                await ApplyAndAnswerAsync(message, _stopping.Token);
                return;
            }
        }
        catch (Exception exception)
        {
            // The stream's task ends with it.
            _inbox.Writer.TryComplete(exception);
            return;
        }
        finally
        {
            _applying.Release();
        }

        await QueueAsync(message, cancellationToken);
    }

    private async ValueTask QueueAsync(ReceivedMessage message, CancellationToken cancellationToken)
    {
        try
        {
            await _inbox.Writer.WriteAsync(message, cancellationToken);
        }
        catch (ChannelClosedException)
        {
            // The stream has ended and said so; what was on its way then is void.
        }
    }

    /// <summary>Another stream takes over: stops, and tells the source, which would otherwise wait for answers that never come.</summary>
    public async Task DisplaceAsync()
    {
        await StopAsync();
        await TellAsync(new Refusal(RefusalCode.Busy, "Another connection feeds this volume now.", null));
    }

    // The last word of a stream that ends, to a connection that may be gone.
    private async Task TellAsync(Refusal refusal)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(1), _context.Time);
        try
        {
            await _connection.SendAsync(Stamp(), refusal, patience.Token);
        }
        catch (Exception exception) when (exception is DrException or IOException or OperationCanceledException)
        {
            // The connection is as dead as the newer one's arrival suggested.
        }
    }

    /// <summary>Returns when the stream no longer touches its volume.</summary>
    public async Task StopAsync()
    {
        _inbox.Writer.TryComplete();
        try
        {
            await _stopping.CancelAsync();
        }
        catch (ObjectDisposedException)
        {
            // Its session has ended it already.
        }

        await _running;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stopping.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            while (await _inbox.Reader.WaitToReadAsync(_stopping.Token))
            {
                await _applying.WaitAsync(_stopping.Token);
                try
                {
                    await ApplyAndAnswerAsync(null, _stopping.Token);
                }
                finally
                {
                    _applying.Release();
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped: what is not flushed was not acknowledged either.
        }
        catch (DrException exception) when (exception is not StreamRefusedException && exception.IsTransient)
        {
            // The connection ended under us, and then nobody hears this; or it is something that passes, and the source, which would wait for an answer for ever, comes back.
            LogEnded(_volume?.Name, exception.Message);
            _inbox.Writer.TryComplete();
            await TellAsync(new Refusal(RefusalCode.Later, exception.Message, exception.Hint));
        }
        catch (Exception exception)
        {
            // A fault of our own. The source must not wait for an answer that will never come: the connection goes, and everything starts again from what is on disk.
            LogFault(_volume?.Name, exception);
            _connection.Abort();
        }
        finally
        {
            _inbox.Writer.TryComplete();

            // For good: nothing is applied any more, on whatever thread.
            await _applying.WaitAsync(CancellationToken.None);
            if (_flusher is not null)
            {
                await _flusher.DisposeAsync();
            }

            _delta?.Dispose();
            EndComparing();
            if (_volume is not null)
            {
                _volume.SetMayAge(false);
                _context.Claims.Release(_volume.Id, this);
            }
        }
    }

    // All that is waiting is applied, then acknowledged once.
    private async Task ApplyAndAnswerAsync(ReceivedMessage? message, CancellationToken cancellationToken)
    {
        try
        {
            var isFollowed = false;
            while (!_ended && (message is not null || _inbox.Reader.TryRead(out message)))
            {
                await ApplyAsync(message, cancellationToken);
                isFollowed = message.IsFollowed;
                message.Release();
                message = null;
            }

            if (!isFollowed)
            {
                await AnswerAsync(cancellationToken);
            }
        }
        catch (Exception exception) when (Refusal(exception) is { } refusal)
        {
            await RefuseAsync(refusal, cancellationToken);
        }
    }

    private Task RefuseAsync(Refusal refusal, CancellationToken cancellationToken)
    {
        _ended = true;
        _inbox.Writer.TryComplete();
        LogRefused(_volume?.Name ?? _announce?.Name, refusal.Code, refusal.Message);
        return _connection.SendAsync(Stamp(), refusal, cancellationToken);
    }

    // A disk that does not flush is as good as none; whatever else it was, the source must not wait for what never comes.
    private async Task OnFlushFailedAsync(Exception exception)
    {
        try
        {
            if (Refusal(exception) is { } refusal)
            {
                await RefuseAsync(refusal, _stopping.Token);
                return;
            }

            if (exception is OperationCanceledException)
            {
                return;
            }

            if (exception is not DrException { IsTransient: true })
            {
                LogFault(_volume?.Name, exception);
            }

            _connection.Abort();
        }
        catch (Exception ended) when (ended is DrException or OperationCanceledException)
        {
            // The connection is gone, or we are: nobody waits.
        }
        catch (Exception fault)
        {
            // The source starts again from what is on disk; this must not keep the stream from letting its volume go.
            LogFault(_volume?.Name, fault);
            _connection.Abort();
        }
    }

    private async Task ApplyAsync(ReceivedMessage message, CancellationToken cancellationToken)
    {
        Volatile.Write(ref _heard, Math.Max(_heard, message.Header.Epoch.Value));
        if (message.Header.Type == FrameType.Sizes)
        {
            if (_volume is not null)
            {
                Fence(_volume, message.Header.Epoch);
            }

            _sizes = message.Decode<SizeNotice>().Former;
            return;
        }

        if (message.Header.Type == FrameType.Announce)
        {
            await OnAnnounceAsync(message, cancellationToken);
            return;
        }

        var volume = _volume ?? throw new WireFormatException($"A {message.Header.Type} frame came before the volume was announced.");
        Fence(volume, message.Header.Epoch);
        switch (message.Header.Type)
        {
            case FrameType.Batch:
                OnBatches(volume, message.Payload);
                break;
            case FrameType.Run when _version >= Hello.WithRuns:
                Append(volume, message.Payload);
                OnAppended(volume);
                break;
            case FrameType.Flush when _version >= Hello.WithFlush:
                OnFlush(volume, message.Decode<FlushRequest>());
                break;
            case FrameType.Point:
                volume.SealReplica(message.Decode<PointNotice>().Point);
                StoreFaults.Pass(CopyPoints.PointSealed);
                (_unacknowledged, _isAwaited) = (true, true); // Sealed is durable already; the source waits to hear it.
                break;
            case FrameType.Mirror:
                await OnMirrorAsync(volume, message.Decode<MirrorNotice>(), message.Header.Epoch, cancellationToken);
                break;
            case FrameType.Lease:
                var vow = message.Decode<LeaseVow>();
                Vow.Make(volume, message.Header.Epoch, TimeSpan.FromMilliseconds(vow.DurationMs), _context.Time);
                await _connection.SendAsync(Stamp(), vow, cancellationToken);
                break;
            case FrameType.Heartbeat:
                var beat = message.Decode<Heartbeat>();
                _heads.Report(beat.At, beat.Head, volume.Appended);
                NoteAge(volume);
                volume.SetMayAge(beat.Head <= volume.Appended || (_heads.CurrentAsOf is { } at && beat.At - at < KeepsUp));
                break;
            case FrameType.Rewind:
                await OnRewindAsync(volume, message.Decode<Rewind>(), cancellationToken);
                break;
            case FrameType.DigestQuery:
                await OnDigestQueryAsync(volume, message.Decode<DigestQuery>(), cancellationToken);
                break;
            case FrameType.DeltaBegin:
                await OnDeltaBeginAsync(volume, message.Decode<DeltaBegin>(), cancellationToken);
                break;
            case FrameType.Delta or FrameType.PackedDelta or FrameType.ArrangedDelta:
                await OnDeltaAsync(volume, message, cancellationToken);
                break;
            case FrameType.Commit:
                _commit = message.Decode<Commit>();
                await TryCommitAsync(volume, cancellationToken);
                break;
            case FrameType.Detach:
                LogDetached(volume.Name, message.Decode<Detach>().Reason);
                _ended = true;
                _inbox.Writer.TryComplete();
                break;
            default:
                throw new WireFormatException($"A {message.Header.Type} frame does not belong on a target.");
        }
    }

    private async Task OnAnnounceAsync(ReceivedMessage message, CancellationToken cancellationToken)
    {
        var announce = message.Decode<Announce>();
        if (_volume is not null && _volume.Id != announce.Volume)
        {
            throw new WireFormatException("One stream carried two volumes.");
        }

        _announce = announce;
        _delta?.Dispose();
        EndComparing();
        (_delta, _commit) = (null, null);

        // Asked before the stream that feeds the volume now is sent away: a source that is refused must not disturb it.
        Judge(announce, message.Header.Epoch);
        await _context.Claims.TakeAsync(announce.Volume, this);
        _volume = Accept(announce, message.Header.Epoch);
        if (_version >= Hello.WithFlush)
        {
            var volume = _volume;
            _flusher ??= new TargetFlusher(volume, _context.Time, () => AcknowledgeAsync(volume, _stopping.Token), OnFlushFailedAsync);
        }

        await SendPositionAsync(_volume, cancellationToken);
    }

    private TargetVerdict Judge(Announce announce, Epoch epoch)
    {
        var volume = _volume = _context.Volumes.Find(announce.Volume);
        var other = _context.Volumes.Find(announce.Name);
        var copy = volume is null ? TargetCopy.None : new TargetCopy(volume.Role, volume.Epoch, volume.SizeBytes, volume.History());
        var verdict = TargetRules.OnAnnounce(copy, announce, epoch, other is not null && other.Id != announce.Volume, _sizes is not null);
        return verdict is TargetVerdict.Refuse refuse ? throw new StreamRefusedException(refuse.Code, refuse.Message, refuse.Hint) : verdict;
    }

    private Volume Accept(Announce announce, Epoch epoch)
    {
        var verdict = Judge(announce, epoch);
        var volume = _volume;
        switch (verdict)
        {
            case TargetVerdict.Create:
                volume = _context.Volumes.CreateReplica(announce.Volume, announce.Name, announce.SizeBytes);
                StoreFaults.Pass(CopyPoints.Created);
                LogCreated(announce.Name, _connection.RemoteName);
                break;
            case TargetVerdict.StepDown:
                LogStepsDown(announce.Name, volume!.Epoch, epoch);
                break;
            default:
                break;
        }

        // A source shows the epoch that it was made primary at: it had an owner, and that is not us.
        volume!.SeeOwner(epoch);
        if (volume.Role == VolumeRole.Demoted)
        {
            StoreFaults.Pass(CopyPoints.SteppedDown);
            volume.BecomeReplica(epoch);
        }

        // One that is to go back keeps its size until its tail is safe.
        if (Meeting.Of(new CopyHistory(announce.Chain, announce.Appended), volume.History()).Kind is not (MeetingKind.Diverged or MeetingKind.Unrelated))
        {
            FollowSizes(volume, announce);
        }

        return volume;
    }

    private void FollowSizes(Volume volume, Announce announce)
    {
        if (_sizes is not null && volume.Role == VolumeRole.Replica)
        {
            volume.FollowSizes(announce.SizeBytes, _sizes);
        }
    }

    private void OnBatches(Volume volume, ReadOnlyMemory<byte> payload)
    {
        while (BatchCodec.TryRead(ref payload, out var batch))
        {
            Append(volume, batch);
        }

        OnAppended(volume);
    }

    private void Append(Volume volume, ReadOnlyMemory<byte> batches)
    {
        try
        {
            volume.AppendReplica(batches);
        }
        catch (HistoryDiffersException exception)
        {
            KeepDiffering(volume);
            throw new StreamRefusedException(RefusalCode.Digest, exception.Message, exception.Hint);
        }

        _unacknowledged = true;
        _flusher?.Applied(batches.Length);
    }

    // What is here, and not the owner's, is kept before anybody hears of it; and no takeover counts on it any more. The refusal that follows is a rung of the source's ladder.
    private void KeepDiffering(Volume volume)
    {
        MirrorBelief.Doubt(volume, _context.Time.GetUtcNow());
        StoreFaults.Pass(CopyPoints.Doubted);
        volume.MarkDiffering();
        StoreFaults.Pass(CopyPoints.DifferenceMarked);
    }

    private void OnAppended(Volume volume)
    {
        StoreFaults.Pass(CopyPoints.BatchesApplied);
        if (_heads.Reach(volume.Appended))
        {
            NoteAge(volume);
        }
    }

    private async Task OnRewindAsync(Volume volume, Rewind rewind, CancellationToken cancellationToken)
    {
        var ours = volume.History();
        if (!TargetRules.MayRewind(new CopyHistory(_announce!.Chain, _announce.Appended), ours, rewind.To))
        {
            throw new StreamRefusedException(RefusalCode.Protocol, $"Going back to {rewind.To} is not what the two histories say.", "Both ends must run versions that agree.");
        }

        var tail = TailName.For(volume.Name, ours.Chain[^1].Generation, ours.Appended);
        if (!volume.Reaches(rewind.To))
        {
            throw new StreamRefusedException(
                RefusalCode.PositionGone, $"The copy here no longer has its state after write {rewind.To}, where the two histories part.", "The source sends everything; what is here is kept as a clone.");
        }

        MirrorBelief.Doubt(volume, _context.Time.GetUtcNow());
        LogRewinds(volume.Name, ours.Appended, rewind.To, tail);
        volume.RewindTo(rewind.To, tail);
        StoreFaults.Pass(CopyPoints.Rewound);
        FollowSizes(volume, _announce);
        await SendPositionAsync(volume, cancellationToken);
    }

    private void OnFlush(Volume volume, FlushRequest request)
    {
        if (request.UpTo > volume.Appended)
        {
            throw new WireFormatException($"A flush up to write {request.UpTo} was asked for, and the writes after {volume.Appended} have not come.");
        }

        _flusher!.Ask();
    }

    private async Task AnswerAsync(CancellationToken cancellationToken)
    {
        if (_volume is not { } volume || _ended)
        {
            return;
        }

        if (_unacknowledged)
        {
            _unacknowledged = false;
            if (_flusher is null)
            {
                // The source takes what is acknowledged for durable.
                volume.RequireFlushed();
                StoreFaults.Pass(CopyPoints.Flushed);
            }

            // Nobody waits for what a stream has applied: it hears of it with the next flush.
            if (_flusher is null || _isAwaited || _announce!.Mode == CopyMode.Sync)
            {
                _isAwaited = false;
                await AcknowledgeAsync(volume, cancellationToken);
            }
        }

        if (_delta is { NeedsFlush: true })
        {
            await FlushDeltaAsync(volume, cancellationToken);
        }
    }

    private async Task AcknowledgeAsync(Volume volume, CancellationToken cancellationToken)
    {
        await _acknowledging.WaitAsync(cancellationToken);
        try
        {
            // Durable first: it must not pass what is said to be applied.
            var durable = volume.Durable;
            var appended = volume.Appended;
            var ack = new Ack(appended, durable, appended, volume.Points is { Count: > 0 } points ? points[^1].Id : default, _delta?.Target.Id ?? default, _delta?.DurableBlock ?? 0);
            await _connection.SendAsync(Stamp(), ack, cancellationToken);
        }
        finally
        {
            _acknowledging.Release();
        }
    }

    private async Task SendPositionAsync(Volume volume, CancellationToken cancellationToken)
    {
        volume.RequireFlushed();
        _unacknowledged = false;
        var staged = volume.Staged;
        var history = volume.History();
        var position = new Position(
            volume.Role, history.Appended, history.Appended, staged?.BasePoint ?? default, staged?.Target ?? default, staged?.ResumePosition ?? 0, history.Chain, volume.Marks());
        await _connection.SendAsync(Stamp(), position, cancellationToken);
        StoreFaults.Pass(CopyPoints.PositionSent);
    }

    private static void Fence(Volume volume, Epoch epoch)
    {
        if (epoch < volume.Epoch)
        {
            throw new StreamRefusedException(RefusalCode.Fenced, $"Epoch {epoch} is over: {volume.Epoch} was seen here.", "The volume's owner is another; this side becomes a copy of it.");
        }

        if (epoch > volume.Epoch)
        {
            volume.SeeOwner(epoch);
        }
    }

    // On the disk before it is answered: the source lets writes go without this copy when it hears that we know.
    private async Task OnMirrorAsync(Volume volume, MirrorNotice notice, Epoch epoch, CancellationToken cancellationToken)
    {
        MirrorBelief.From(notice, epoch, _context.Time.GetUtcNow()).Write(volume);
        await _connection.SendAsync(Stamp(), notice, cancellationToken);
    }

    private void NoteAge(Volume volume)
    {
        if (_heads.CurrentAsOf is { } at && volume.Role != VolumeRole.Primary)
        {
            volume.NoteCurrentAsOf(at);
        }
    }

    private FrameStamp Stamp() => _volume?.AnswerStamp(_stream, new Epoch(Volatile.Read(ref _heard))) ?? new FrameStamp(_stream, Epoch.None, default);

    // What ends this stream with an answer. Anything else is a fault of our own and ends the process's task loudly.
    private static Refusal? Refusal(Exception exception) => exception switch
    {
        StreamRefusedException refused => new Refusal(refused.Code, refused.Message, refused.Hint),
        WireFormatException wire => new Refusal(RefusalCode.Protocol, wire.Message, wire.Hint),
        FencedException fenced => new Refusal(RefusalCode.Fenced, fenced.Message, fenced.Hint),
        CorruptDataException corrupt => new Refusal(RefusalCode.Protocol, corrupt.Message, corrupt.Hint),
        DrException { IsTransient: true } => null,
        DrException known => new Refusal(RefusalCode.Storage, known.Message, known.Hint),
        IOException io => new Refusal(RefusalCode.Storage, io.Message, "Look at the disk of the peer."),
        _ => null,
    };
}
