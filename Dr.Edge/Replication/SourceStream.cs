using System.Buffers;
using System.Threading.Channels;
using Dr.Contracts.Wire;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Digests;
using Dr.Edge.Volumes.Disk;

namespace Dr.Edge.Replication;

/// <summary>
/// One volume's stream as its source sees it, for as long as one connection lasts. Asks the target where it is, lets <see cref="ResumePlan"/> say what is next, and does it, over and over.
/// Invariants: nothing is sent while this side is not primary; a higher epoch in any answer shuts our gate before anything else; an answer that claims more than was sent ends the stream.
/// </summary>
internal sealed partial class SourceStream : IDisposable
{
    /// <summary>How often the target learns how old it is.</summary>
    private static readonly TimeSpan ReportEvery = TimeSpan.FromSeconds(1);

    private readonly SourceCopy _copy;
    private readonly Volume _volume;
    private readonly FrameConnection _frames;
    private readonly TimeProvider _time;
    private readonly int _stream;
    private readonly ChannelReader<ReceivedMessage> _inbox;
    private readonly FrameCompression _compression = new();
    private readonly InFlightWindow _window = new(InFlightWindow.DefaultLimitBytes);
    private readonly ArrayBufferWriter<byte> _payload = new(512 * 1024);
    private readonly Queue<long> _wanted = new();
    private Position? _position;
    private Ack? _stagedAck;
    private readonly bool _hearsOfMirrors;
    private readonly DigestKind _digest;
    private readonly bool _hearsOfSizes;
    private readonly bool _compares;
    private readonly bool _packs;
    private readonly bool _arranges;
    private readonly bool _promises;
    private int _toldSizes;
    private readonly bool _flushesWhenAsked;
    private readonly bool _hearsRuns;
    private readonly ITimer _reporting;
    private readonly IDisposable _appending;
    private readonly CancellationTokenRegistration _cancelling;
    private MirrorNotice? _told;
    private MirrorAck _toldAck;
    private volatile bool _inJournal;
    private long _applied; // Also written by the connection's thread.
    private volatile Ack? _lastAck;
    private SequenceNumber _wholeFrom;
    private SequenceNumber _flushAsked;
    private SequenceNumber? _journalGoneAt;
    private long _reportedAt;

    /// <param name="ending">What <see cref="RunAsync"/> is going to be given.</param>
    public SourceStream(SourceCopy copy, SourceConnection connection, int stream, SourceInbox inbox, CancellationToken ending)
    {
        (_copy, _volume, _frames, _time, _stream, _inbox) = (copy, copy.Volume, connection.Frames, copy.Time, stream, inbox.Reader);
        _flushesWhenAsked = connection.Version >= Hello.WithFlush;
        _hearsRuns = connection.Version >= Hello.WithRuns;
        _hearsOfMirrors = connection.Version >= Hello.WithMirror;
        _digest = connection.Version.DigestOfCommit();
        _hearsOfSizes = connection.Version >= Hello.WithSizes;
        _compares = connection.Version >= Hello.WithDigests;
        _packs = connection.Version >= Hello.WithPackedDeltas;
        _arranges = connection.Version >= Hello.WithArrangedDeltas;
        _promises = connection.Version >= Hello.WithLease;
        _startedAt = copy.Time.GetTimestamp();
        inbox.Early = OnEarly;
        _reporting = copy.Time.CreateTimer(static work => ((WorkSignal)work!).Set(), copy.Work, ReportEvery, ReportEvery);
        _appending = copy.Volume.ListenToAppends(OnAppended);
        _cancelling = ending.Register(static work => ((WorkSignal)work!).Set(), copy.Work);
    }

    /// <summary>Ends by an exception, or when this side is no longer primary.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var position = await AnnounceAsync(cancellationToken);
        _copy.OnOpened(_hearsOfMirrors);
        while (_volume.MaySend())
        {
            position = await TakeStepAsync(ResumePlan.Next(View(position), position), position, cancellationToken);
        }

        await _frames.SendAsync(_volume.SourceStamp(_stream), new Detach("no longer primary"), cancellationToken);
    }

    public void Dispose()
    {
        _cancelling.Dispose();
        _appending.Dispose();
        _reporting.Dispose();
        _compression.Dispose();
    }

    private async Task<Position> TakeStepAsync(SourceStep step, Position position, CancellationToken cancellationToken)
    {
        _copy.OnPosition(position);
        _copy.JournalAfter = (step as SourceStep.Journal)?.After;
        switch (step)
        {
            case SourceStep.Refuse refuse:
                throw new StreamRefusedException(refuse.Code, $"Not copied: {refuse.Reason}.", "Nothing was changed on either side; see the generations of both with 'dr-edge volume show'.");
            case SourceStep.Rewind rewind:
                if (!await IsNotedAsync(cancellationToken))
                {
                    return position;
                }

                _copy.Progress.Enter(CopyState.CatchingUp, "the peer keeps its diverged tail as a clone");
                _told = null; // Whatever it was told about itself it forgets.
                _copy.RewindTo = rewind.To;
                _copy.ComeHomeFirst();
                await SendAsync(new Rewind(rewind.To), cancellationToken);
                StoreFaults.Pass(CopyPoints.RewindSent);
                return await NextPositionAsync(cancellationToken);
            case SourceStep.Delta delta:
                return await ShipDeltaAsync(delta, position, cancellationToken);
            case SourceStep.AwaitPoint waiting:
                await WaitForPointAsync(waiting.Newest, cancellationToken);
                return await AnnounceAgainAsync(position, cancellationToken);
            case SourceStep.Journal journal:
                await ShipJournalAsync(journal, position, cancellationToken);
                return await AnnounceAgainAsync(position, cancellationToken);
            default:
                throw new InvariantException($"a step of kind {step.GetType().Name} is not known");
        }
    }

    // What goes back has less than it confirmed. Nobody may take it for whole then, least of all who would take over on it; false when this side stopped being primary meanwhile.
    private async Task<bool> IsNotedAsync(CancellationToken cancellationToken)
    {
        _copy.Mirror.OnLacking();
        while (_volume.MaySend() && !_copy.Mirror.Model.IsNoted)
        {
            _copy.Progress.Enter(CopyState.CatchingUp, "waits until it is recorded that the mirror is out of date");
            await TellMirrorAsync(cancellationToken);
            await WaitForWorkAsync(cancellationToken);
        }

        return _volume.MaySend();
    }

    private SourceView View(Position position) => new(
        _volume.History(), _volume.Marks(), _copy.Settings.Mode, _journalGoneAt, _copy.RewindGoneAt, _copy.Distrusted, _compares && !_copy.ComparedWrongly, _volume.JournalBytesAfter(position.Appended),
        _compares ? _copy.Holds.MappedFrom : null, _copy.DiffersAt);

    private async Task<Position> AnnounceAsync(CancellationToken cancellationToken)
    {
        var (size, former) = _volume.Sizes;
        _toldSizes = former.Count;
        if (_hearsOfSizes)
        {
            await SendAsync(new SizeNotice(former), cancellationToken);
        }

        var history = _volume.History();
        _wholeFrom = history.Appended;
        await SendAsync(
            new Announce(_volume.Id, _volume.Name, size, _copy.Settings.Mode, history.Appended, history.Chain, _volume.Marks()), cancellationToken);
        StoreFaults.Pass(CopyPoints.Announced);
        return await NextPositionAsync(cancellationToken);
    }

    // What may not send has nothing to ask either: the answer could only be that another owns the volume.
    private Task<Position> AnnounceAgainAsync(Position position, CancellationToken cancellationToken) => _volume.MaySend() ? AnnounceAsync(cancellationToken) : Task.FromResult(position);

    private async Task<Position> NextPositionAsync(CancellationToken cancellationToken)
    {
        _position = null;
        while (_position is null)
        {
            await ReceiveAsync(cancellationToken);
        }

        return _position;
    }

    /// <summary>The volume has grown since the peer was told its size.</summary>
    private bool HasGrown => _volume.FormerSizes.Count != _toldSizes;

    private async Task WaitForPointAsync(PointMark newest, CancellationToken cancellationToken)
    {
        _copy.Progress.Enter(CopyState.Current);
        _copy.IsHome();
        var mode = _copy.Settings.Mode;
        while (_volume.MaySend() && _copy.Settings.Mode == mode && !HasGrown && _volume.Marks() is var marks && (marks.Count == 0 || marks[^1] == newest))
        {
            await ReportHeadAsync(cancellationToken);
            await WaitForWorkAsync(cancellationToken);
        }
    }

    /// <summary>Until something is appended, a point is taken, an answer came, a flush is wanted, or it is time to report; the answers are taken in.</summary>
    private async ValueTask WaitForWorkAsync(CancellationToken cancellationToken)
    {
        await _copy.Work.WaitAsync();
        AfterWork(cancellationToken);
    }

    private void AfterWork(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (_inbox.Completion.IsCompleted)
        {
            throw new DrException("The connection to the peer has ended.", isTransient: true);
        }

        TakeAnswers();
    }

    private async Task ReceiveAsync(CancellationToken cancellationToken)
    {
        if (!await _inbox.WaitToReadAsync(cancellationToken))
        {
            throw new DrException("The connection to the peer has ended.", isTransient: true);
        }

        TakeAnswers();
    }

    private void TakeAnswers()
    {
        while (_inbox.TryRead(out var message))
        {
            OnAnswer(message);
        }
    }

    private void OnAnswer(ReceivedMessage message)
    {
        // This stream has outlived its role. Whom a copy follows it hears from its owner alone: an epoch that a late answer tells of may be one that the owner makes room for, and its final point would be refused here.
        if (_volume.Role == VolumeRole.Replica)
        {
            throw new DrException("This side has become a copy.", isTransient: true);
        }

        // The peer has seen an owner above us: shut the gate before looking at what else it says.
        if (message.Header.Epoch > _volume.Epoch)
        {
            _volume.SeeEpoch(message.Header.Epoch);
        }

        // Every copy has our epoch on its disk before it answers: a lower one is of somebody who speaks of other times. A refusal only ends the stream, and comes also from where there is no copy yet.
        if (message.Header.Epoch < _volume.State.PrimaryEpoch && message.Header.Type != FrameType.Error)
        {
            throw new DrException($"The peer answered at epoch {message.Header.Epoch}; {_volume.State.PrimaryEpoch} was announced to it.", isTransient: true);
        }

        switch (message.Header.Type)
        {
            case FrameType.Position:
                _position = message.Decode<Position>();
                _lastAck = null;
                Volatile.Write(ref _applied, _position.Appended >= _copy.DiffersAt ? 0 : _position.Appended.Value);
                break;
            case FrameType.Ack:
                OnAck(message.Decode<Ack>());
                break;
            case FrameType.Mirror:
                _copy.Mirror.OnPeerNoted(message.Decode<MirrorNotice>().Record);
                break;
            case FrameType.Lease:
                _copy.Vows.OnVowed(message.Decode<LeaseVow>().Number);
                break;
            case FrameType.Digests:
                _digests.Enqueue(message.Decode<Digests>());
                break;
            case FrameType.BlockRequest:
                foreach (var block in message.Decode<BlockRequest>().Blocks)
                {
                    _wanted.Enqueue(block);
                }

                break;
            case FrameType.Error:
                var refusal = message.Decode<Refusal>();
                throw new StreamRefusedException(refusal.Code, refusal.Message, refusal.Hint);
            default:
                throw new WireFormatException($"A {message.Header.Type} frame does not belong on a source.");
        }
    }

    // On the connection's thread: clients wait for this. What else an acknowledgement means, and whether it makes sense at all, the stream finds out in its turn; one that only says that more was applied means nothing else.
    private bool OnEarly(ReceivedMessage message)
    {
        if (message.Header.Type != FrameType.Ack || !_inJournal || message.Header.Epoch != _volume.State.PrimaryEpoch)
        {
            return false;
        }

        Ack ack;
        try
        {
            ack = message.Decode<Ack>();
        }
        catch (WireFormatException)
        {
            return false; // The stream meets it again and ends.
        }

        if (ack.Applied.Value > _window.Sent || ack.Durable.Value > _window.Sent)
        {
            return false;
        }

        TimeAnswer(ack.Applied);
        _copy.Mirror.Confirm(ack.Applied, ack.Durable);
        var isAll = Volatile.Read(ref _applied) >= _wholeFrom.Value && _lastAck is { } last && (last.Durable, last.NewestPoint, last.StagedTarget) == (ack.Durable, ack.NewestPoint, ack.StagedTarget);
        if (isAll)
        {
            Volatile.Write(ref _applied, ack.Applied.Value);
        }

        return isAll;
    }

    private void OnAck(Ack ack)
    {
        var position = _inJournal ? ack.Durable.Value : ack.StagedBlock;
        if (!_inJournal)
        {
            _stagedAck = ack;
            _window.AcknowledgeAtMost(position); // Blocks it has from an earlier connection were not sent on this one.

            // Where the copy itself stands has not changed since it said so, and what it calls its position may be another line's than ours.
            _copy.Progress.Staged(ack.StagedBlock);
            return;
        }

        if (ack.Applied.Value > _window.Sent || !_window.TryAcknowledge(position))
        {
            throw new DrException("The peer acknowledged more than was sent; both agree anew about where it stands.", isTransient: true);
        }

        Volatile.Write(ref _applied, ack.Applied.Value);
        _lastAck = ack;
        _copy.OnAcknowledged(ack);
    }

    private Task SendAsync<T>(T message, CancellationToken cancellationToken)
        where T : IWireMessage<T> => _frames.SendAsync(_volume.SourceStamp(_stream), message, cancellationToken);

    /// <summary>Sends what is in the buffer at the copy's rate, and empties it.</summary>
    private async Task SendPayloadAsync(FrameType type, ArrayBufferWriter<byte> payload, long changedBytes, CancellationToken cancellationToken)
    {
        await SendPayloadAsync(type, payload.WrittenMemory, _compression, changedBytes, cancellationToken);
        payload.ResetWrittenCount();
    }

    /// <param name="compression">Null for what is compressed already.</param>
    private async Task SendPayloadAsync(FrameType type, ReadOnlyMemory<byte> payload, FrameCompression? compression, long changedBytes, CancellationToken cancellationToken)
    {
        var sent = await _frames.SendAsync(type, _volume.SourceStamp(_stream), payload, compression, _copy.Pace.FrameBytes(FrameConnection.PartBytes), PayAsync, cancellationToken);
        _copy.Progress.Sent(sent, changedBytes);
    }

    // On a slow line a turn may take long: what the peer says meanwhile, above all that another owns the volume now, is heard.
    private async Task PayAsync(long bytes, CancellationToken cancellationToken)
    {
        if (_copy.Pace.IsFree)
        {
            return;
        }

        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var paying = _copy.Pace.TakeAsync(bytes, giveUp.Token);
        try
        {
            while (!paying.IsCompleted)
            {
                using var listening = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                var news = _inbox.WaitToReadAsync(listening.Token).AsTask();
                var isNews = await Task.WhenAny(paying, news) == news;
                await listening.CancelAsync();
                if (isNews && !await news)
                {
                    throw new DrException("The connection to the peer has ended.", isTransient: true);
                }

                TakeAnswers();
            }
        }
        catch
        {
            // Before anything else asks for this copy: nothing may be left in the queue for the line.
            await giveUp.CancelAsync();
            await paying.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            throw;
        }

        await paying;
    }

    // The time first, then the head: everything that was answered before the time is within the head.
    private async Task ReportHeadAsync(CancellationToken cancellationToken)
    {
        await TellMirrorAsync(cancellationToken);
        if (_promises && _copy.Vows.Next() is { } vow)
        {
            await SendAsync(vow, cancellationToken);
        }

        if (_reportedAt != 0 && _time.GetElapsedTime(_reportedAt) < ReportEvery)
        {
            return;
        }

        _reportedAt = _time.GetTimestamp();
        var at = _time.GetUtcNow();
        var head = _volume.Appended;
        _copy.Progress.ReportHead(at, head);
        await SendAsync(new Heartbeat(at, head), cancellationToken);
    }

    /// <summary>
    /// The copy learns what is said of it as soon as that changes, and once on every connection. That it is whole only when it has all that was appended when it came: one that lost its power has lost what was answered
    /// and not flushed, and must not believe otherwise before it has that again.
    /// </summary>
    private async Task TellMirrorAsync(CancellationToken cancellationToken)
    {
        var model = _copy.Mirror.Model;
        if (!_hearsOfMirrors || (model.Said == MirrorState.Whole && Volatile.Read(ref _applied) < _wholeFrom.Value))
        {
            return;
        }

        var ack = _copy.Settings.Ack;
        if (_told is null || (model.Record, model.Said, model.OnLoss) != (_told.Record, _told.State, _told.OnLoss) || ack != _toldAck)
        {
            (_told, _toldAck) = (new MirrorNotice(model.Record, model.Said, model.OnLoss, _flushesWhenAsked ? ack : null), ack);
            await SendAsync(_told, cancellationToken);
        }
    }

    /// <summary>Passes a wish to have it on the peer's disk on, when all that it is about has been sent.</summary>
    private async ValueTask AskToFlushAsync(SequenceNumber sent, CancellationToken cancellationToken)
    {
        var wanted = _copy.FlushWanted;
        if (_flushesWhenAsked && wanted > _flushAsked && sent >= wanted)
        {
            _flushAsked = sent;
            await SendAsync(new FlushRequest(sent), cancellationToken);
        }
    }
}
