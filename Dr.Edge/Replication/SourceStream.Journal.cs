using Dr.Contracts.Wire;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Disk;

namespace Dr.Edge.Replication;

internal sealed partial class SourceStream
{
    /// <summary>Batches are sent together up to this: few enough bytes to be quick on a slow line, enough to make a frame's header nothing.</summary>
    private const int JournalFrameBytes = 256 * 1024;

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
        long changedBytes = 0;
        while (_volume.MaySend() && _copy.Settings.Mode == mode)
        {
            await ReportHeadAsync(cancellationToken);
            var status = reader.TryRead(out var item);
            if (HasGrown)
            {
                // What comes next may lie behind the end that the peer knows: it learns the new size first, and the rest is sent from there on.
                await SendBatchesAsync(last, changedBytes, cancellationToken);
                await WaitUntilDurableAsync(last, cancellationToken);
                return;
            }

            if (item is JournalItem.Batch batch && status == JournalStatus.Item)
            {
                BatchCodec.Append(_payload, batch.Bytes.Span);
                changedBytes += batch.Bytes.Length;
                last = batch.Last;
                if (_payload.WrittenCount < _copy.Pace.FrameBytes(JournalFrameBytes))
                {
                    continue;
                }
            }

            await SendBatchesAsync(last, changedBytes, cancellationToken);
            changedBytes = 0;
            switch (status)
            {
                case JournalStatus.Item when item is JournalItem.Point point:
                    if (known.Add(point.Info.Mark()))
                    {
                        await SendAsync(new PointNotice(point.Info), cancellationToken);
                    }

                    if (step.UntilPoint && point.Info.Sequence > step.After)
                    {
                        await WaitUntilDurableAsync(last, cancellationToken);
                        return;
                    }

                    break;
                case JournalStatus.AtEnd:
                    _copy.OnCaughtUp();
                    await WaitForWorkAsync(reader.WaitForMoreAsync, cancellationToken);
                    break;
                case JournalStatus.Gone:
                    _journalGoneAt = last;
                    await WaitUntilDurableAsync(last, cancellationToken);
                    return;
                default:
                    TakeAnswers();
                    break;
            }
        }
    }

    private async Task SendBatchesAsync(SequenceNumber last, long changedBytes, CancellationToken cancellationToken)
    {
        if (_payload.WrittenCount == 0)
        {
            return;
        }

        while (!_window.HasRoom)
        {
            await ReceiveAsync(cancellationToken);
        }

        _window.Add(last.Value, _payload.WrittenCount);
        await SendPayloadAsync(FrameType.Batch, _payload, changedBytes, cancellationToken);
        StoreFaults.Pass(CopyPoints.BatchesSent);
        _copy.Progress.Did(changedBytes);
    }

    private async Task WaitUntilDurableAsync(SequenceNumber position, CancellationToken cancellationToken)
    {
        while (_window.Acknowledged < position.Value)
        {
            await ReceiveAsync(cancellationToken);
        }
    }
}
