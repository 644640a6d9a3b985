using Dr.Contracts.Wire;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Disk;

namespace Dr.Edge.Replication;

internal sealed partial class TargetStream
{
    private async Task OnDeltaBeginAsync(Volume volume, DeltaBegin begin, CancellationToken cancellationToken)
    {
        PointMark? basePoint = begin.Base == default ? null : begin.Base;
        if (!TargetRules.MayBegin(new CopyHistory(_announce!.Chain, _announce.Appended), volume.History(), volume.Marks(), basePoint, begin.Target.Mark()))
        {
            throw new StreamRefusedException(
                RefusalCode.Protocol, $"A delta to {begin.Target.Sequence} from {(basePoint is { } from ? from.Sequence : "nothing")} does not fit the copy, which is at {volume.Appended}.", "The source finds a common point by itself.");
        }

        if (basePoint is null)
        {
            KeepWhatDiffers(volume);
        }

        EndComparing();
        _delta?.Dispose();
        _commit = null;
        _delta = new TargetDelta(volume.OpenStaging(basePoint?.Id, begin.Target), basePoint, begin.Chain, _version.DigestOfCommit());

        // The position is the receiver's: the source starts where this says, whatever it believed.
        await AcknowledgeAsync(volume, cancellationToken);
    }

    // A delta from nothing replaces everything: what the owner's history does not have stays as a clone, whatever the source believed of us.
    private void KeepWhatDiffers(Volume volume)
    {
        var ours = volume.History();
        var kind = Meeting.Of(new CopyHistory(_announce!.Chain, _announce.Appended), ours).Kind;
        if (!ours.IsEmpty && (volume.DiffersFromOwner || kind is not (MeetingKind.Equal or MeetingKind.TargetBehind)))
        {
            var tail = TailName.For(volume.Name, ours.Chain[^1].Generation, ours.Appended);
            LogKeeps(volume.Name, ours.Appended, tail);
            volume.KeepAs(tail);
            FollowSizes(volume, _announce);
        }
    }

    private async Task OnDeltaAsync(Volume volume, ReceivedMessage message, CancellationToken cancellationToken)
    {
        var delta = _delta ?? throw new WireFormatException("Blocks came before their delta began.");
        var wrong = message.Header.Type switch
        {
            FrameType.Delta => delta.Apply(message.Payload.Span),
            var type => delta.ApplyPacked(message.Payload.Span, isArranged: type == FrameType.ArrangedDelta),
        };
        StoreFaults.Pass(CopyPoints.DeltaApplied);
        if (wrong.Count > 0)
        {
            LogDivergentBlocks(volume.Name, wrong.Count, delta.Divergences);
            foreach (var part in wrong.Chunk(BlockRequest.MaxBlocks))
            {
                await _connection.SendAsync(Stamp(), new BlockRequest(delta.Target.Id, part), cancellationToken);
            }
        }

        if (delta.NeedsFlush)
        {
            await FlushDeltaAsync(volume, cancellationToken);
        }

        if (_commit is not null)
        {
            await TryCommitAsync(volume, cancellationToken);
        }
    }

    private async Task FlushDeltaAsync(Volume volume, CancellationToken cancellationToken)
    {
        _delta!.Flush();
        await AcknowledgeAsync(volume, cancellationToken);
    }

    private async Task TryCommitAsync(Volume volume, CancellationToken cancellationToken)
    {
        var delta = _delta ?? throw new WireFormatException("A commit came without its delta.");
        try
        {
            if (!delta.TryCommit(_commit!))
            {
                return;
            }
        }
        catch (CorruptDataException exception)
        {
            // Every block was proven, and yet the whole differs: the base did. What was staged on it is of no use.
            delta.Discard();
            KeepDiffering(volume);
            throw new StreamRefusedException(RefusalCode.Digest, exception.Message, exception.Hint);
        }

        StoreFaults.Pass(CopyPoints.Committed);
        LogCommitted(volume.Name, delta.Target.Id, delta.Target.Sequence);
        _heads.Report(delta.Target.At, delta.Target.Sequence, volume.Appended);
        NoteAge(volume);
        delta.Dispose();
        (_delta, _commit) = (null, null);
        await SendPositionAsync(volume, cancellationToken);
    }
}
