using Dr.Contracts.Wire;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Format;

namespace Dr.Edge.Replication;

internal sealed partial class SourceStream
{
    /// <summary>Batches are sent together up to this: few enough bytes to be quick on a slow line, enough to make a frame's header nothing.</summary>
    private const int JournalFrameBytes = 256 * 1024;

    /// <summary>A stream that has nothing left waits this long for more to come together: far below what anybody notices of a copy's age, and a few hundred frames in a second instead of one for every write.</summary>
    private static readonly TimeSpan GatherFor = TimeSpan.FromMilliseconds(3);

    private async Task ShipJournalAsync(SourceStep.Journal step, Position position, CancellationToken cancellationToken)
    {
        _window.Start(step.After.Value);
        _inJournal = true;
        var known = position.Points.ToHashSet();
        using var reader = _volume.ReadJournal(step.After);
        _copy.Progress.Enter(CopyState.CatchingUp);
        _copy.Progress.BeginJournal();
        try
        {
            await ShipItemsAsync(reader, step, known, cancellationToken);
        }
        finally
        {
            _inJournal = false;
        }
    }

    private async Task ShipItemsAsync(JournalReader reader, SourceStep.Journal step, HashSet<PointMark> known, CancellationToken cancellationToken)
    {
        var mode = _copy.Settings.Mode;
        var last = step.After;
        while (_volume.MaySend() && _copy.Settings.Mode == mode)
        {
            await ReportHeadAsync(cancellationToken);
            var status = reader.TryReadRun(FrameCodec.HeaderSize, _copy.Pace.FrameBytes(JournalFrameBytes), out var run);
            if (HasGrown)
            {
                // What comes next may lie behind the end that the peer knows: it learns the new size first, and the rest is sent from there on.
                await WaitUntilDurableAsync(last, cancellationToken);
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
                        await WaitUntilDurableAsync(last, cancellationToken);
                        return;
                    }

                    break;
                case JournalStatus.Item:
                    last = run.Last;
                    await SendRunAsync(run, cancellationToken);
                    await AskToFlushAsync(last, cancellationToken);
                    TakeAnswers();
                    break;
                case JournalStatus.AtEnd:
                    _copy.OnCaughtUp();
                    await AskToFlushAsync(last, cancellationToken);
                    await WaitForWorkAsync(cancellationToken);
                    if (mode != CopyMode.Sync && _copy.FlushWanted <= _flushAsked)
                    {
                        // Nobody waits: what comes within this time goes together, at the price of one frame.
                        await Task.Delay(GatherFor, _time, cancellationToken);
                    }

                    break;
                default:
                    _journalGoneAt = last;
                    await WaitUntilDurableAsync(last, cancellationToken);
                    return;
            }
        }
    }

    private async Task SendRunAsync(JournalRun run, CancellationToken cancellationToken)
    {
        while (!_window.HasRoom)
        {
            await ReceiveAsync(cancellationToken);
        }

        var bytes = run.Memory.Length - FrameCodec.HeaderSize;
        _window.Add(run.Last.Value, bytes);
        if (_hearsRuns)
        {
            var sent = await _frames.SendBehindHeaderAsync(
                FrameType.Run, _volume.SourceStamp(_stream), run.Memory, _compression, _copy.Pace.FrameBytes(FrameConnection.PartBytes), PayAsync, cancellationToken);
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
