using Dr.Contracts.Wire;
using Dr.Edge.Replication.Line;
using Dr.Edge.Replication.Mirror;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Format;

namespace Dr.Edge.Replication;

internal sealed partial class SourceStream
{
    /// <summary>Batches are sent together up to this: few enough bytes to be quick on a slow line, enough to make a frame's header nothing.</summary>
    private const int JournalFrameBytes = 256 * 1024;

    /// <summary>
    /// A stream that has sent all there was waits this long for more to come together: far below the second that a copy may be behind, and twenty rounds of both ends' threads in a second instead of one for every few writes.
    /// Somebody who waits for the copy ends it.
    /// </summary>
    private static readonly TimeSpan GatherFor = TimeSpan.FromMilliseconds(50);

    /// <summary>What is shorter was the end of the journal when it was read.</summary>
    private const int ShortRunBytes = JournalFrameBytes / 2;

    private readonly CompressionRule _compressionRule = new();
    private readonly long _startedAt;
    private long _measuredAt;
    private long _probed; // A write whose answer is timed; 0: none. The connection's thread takes it back.
    private long _probedAt;
    private long _roundTrip; // Of the last few, in ticks of TimeSpan.

    private async Task ShipJournalAsync(SourceStep.Journal step, Position position, CancellationToken cancellationToken)
    {
        _window.Start(step.After.Value);
        _inJournal = true;
        var known = position.Points.ToHashSet();
        using var reader = _volume.ReadJournal(step.After);
        _measuredAt = _time.GetTimestamp();
        (_reader, _last, _left, _pushFailure) = (reader, step.After, null, null);
        _copy.Progress.Enter(CopyState.CatchingUp);
        _copy.Progress.BeginJournal();
        try
        {
            await ShipItemsAsync(reader, step, known, cancellationToken);
        }
        finally
        {
            _inJournal = false;
            _reader = null;
        }
    }

    private async Task ShipItemsAsync(JournalReader reader, SourceStep.Journal step, HashSet<PointMark> known, CancellationToken cancellationToken)
    {
        var mode = _copy.Settings.Mode;
        while (_volume.MaySend() && _copy.Settings.Mode == mode)
        {
            await ReportHeadAsync(cancellationToken);
            var (status, run) = _left ?? (reader.TryReadRun(FrameCodec.HeaderSize, _copy.Pace.FrameBytes(JournalFrameBytes), out var next), next);
            _left = null;
            if (HasGrown)
            {
                // What comes next may lie behind the end that the peer knows: it learns the new size first, and the rest is sent from there on.
                await WaitUntilDurableAsync(_last, cancellationToken);
                return;
            }

            switch (status)
            {
                case JournalStatus.Item when run.Point is { } point:
                    if (known.Add(point.Mark()))
                    {
                        await SendAsync(new PointNotice(point), cancellationToken);
                    }

                    if (step.UntilPoint && point.Sequence > step.After)
                    {
                        await WaitUntilDurableAsync(_last, cancellationToken);
                        return;
                    }

                    break;
                case JournalStatus.Item:
                    _last = run.Last;
                    await SendMeasuredAsync(run, cancellationToken);
                    await AskToFlushAsync(_last, cancellationToken);
                    TakeAnswers();
                    if (mode == CopyMode.Stream && run.Memory.Length < ShortRunBytes)
                    {
                        _copy.OnCaughtUp();
                        await GatherAsync(cancellationToken);
                    }

                    break;
                case JournalStatus.AtEnd:
                    _copy.OnCaughtUp();
                    await AskToFlushAsync(_last, cancellationToken);
                    await RestAsync(mode == CopyMode.Sync && _hearsRuns && _copy.Pace.IsFree && _copy.Mirror.Model.Phase == MirrorPhase.Whole, cancellationToken);
                    if (mode != CopyMode.Sync)
                    {
                        await GatherAsync(cancellationToken);
                    }

                    break;
                default:
                    _journalGoneAt = _last;
                    await WaitUntilDurableAsync(_last, cancellationToken);
                    return;
            }
        }
    }

    // What comes within this time goes together, at the price of one frame.
    private Task GatherAsync(CancellationToken cancellationToken) => _copy.FlushWanted > _flushAsked ? Task.CompletedTask : _copy.UntilWantedAsync(GatherFor, cancellationToken);

    private async ValueTask SendMeasuredAsync(JournalRun run, CancellationToken cancellationToken)
    {
        var (started, wireBytes) = (_time.GetTimestamp(), _copy.Progress.WireBytes);
        await SendRunAsync(run, cancellationToken);
        var now = _time.GetTimestamp();
        _copy.Line.Add(_copy.Progress.WireBytes - wireBytes, _time.GetElapsedTime(started, now), _time.GetElapsedTime(_measuredAt, now));
        _measuredAt = now;
    }

    private FrameCompression? Compression(int bytes)
    {
        _compressionRule.Sent(bytes, _time.GetElapsedTime(_startedAt));
        var line = Math.Min(_copy.Pace.BytesPerSecond, _copy.Line.BytesPerSecond);
        return _compressionRule.Pays(line, _copy.Settings.Mode == CopyMode.Sync ? new TimeSpan(Volatile.Read(ref _roundTrip)) : null) ? _compression : null;
    }

    private async ValueTask SendRunAsync(JournalRun run, CancellationToken cancellationToken)
    {
        while (!_window.HasRoom)
        {
            await ReceiveAsync(cancellationToken);
        }

        var bytes = run.Memory.Length - FrameCodec.HeaderSize;
        _window.Add(run.Last.Value, bytes);
        if (Volatile.Read(ref _probed) == 0)
        {
            _probedAt = _time.GetTimestamp();
            Volatile.Write(ref _probed, run.Last.Value);
        }

        if (_hearsRuns)
        {
            var sent = await _frames.SendBehindHeaderAsync(
                FrameType.Run, _volume.SourceStamp(_stream), run.Memory, Compression(bytes), _copy.Pace.FrameBytes(FrameConnection.PartBytes), PayAsync, cancellationToken);
            _copy.Progress.Sent(sent, bytes);
        }
        else
        {
            Split(run.Memory.Span[FrameCodec.HeaderSize..]);
            await SendPayloadAsync(FrameType.Batch, _payload, bytes, cancellationToken);
        }

        StoreFaults.Pass(CopyPoints.BatchesSent);
        _copy.Progress.Did(bytes);
    }

    // On the connection's thread.
    private void TimeAnswer(SequenceNumber applied)
    {
        if (Volatile.Read(ref _probed) is not 0 and var probed && applied.Value >= probed)
        {
            const int remembered = 8;
            var trip = _time.GetElapsedTime(_probedAt).Ticks;
            Volatile.Write(ref _roundTrip, _roundTrip + ((trip - _roundTrip) / remembered));
            Volatile.Write(ref _probed, 0);
        }
    }

    private void Split(ReadOnlySpan<byte> run)
    {
        while (BatchHeader.TryRead(run, out var header))
        {
            BatchCodec.Append(_payload, run[..header.TotalLength]);
            run = run[header.TotalLength..];
        }
    }

    private async Task WaitUntilDurableAsync(SequenceNumber position, CancellationToken cancellationToken)
    {
        if (_window.Acknowledged < position.Value)
        {
            _copy.AskToFlush(position);
            await AskToFlushAsync(position, cancellationToken);
        }

        while (_window.Acknowledged < position.Value)
        {
            await ReceiveAsync(cancellationToken);
        }
    }
}
