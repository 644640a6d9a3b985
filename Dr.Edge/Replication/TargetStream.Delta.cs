using Dr.Contracts.Wire;
using Dr.Edge.Volumes;

namespace Dr.Edge.Replication;

internal sealed partial class TargetStream
{
    private async Task OnDeltaBeginAsync(Volume volume, DeltaBegin begin, CancellationToken cancellationToken)
    {
        PointMark? basePoint = begin.Base == default ? null : begin.Base;
        if (basePoint is { } mark && volume.Appended != mark.Sequence)
        {
            throw new StreamRefusedException(RefusalCode.Protocol, $"The delta starts from {mark.Sequence}, the copy is at {volume.Appended}.", "The source finds a common point by itself.");
        }

        _delta?.Dispose();
        _commit = null;
        _delta = new TargetDelta(volume.OpenStaging(basePoint?.Id, begin.Target), basePoint, begin.Chain);

        // The position is the receiver's: the source starts where this says, whatever it believed.
        await AcknowledgeAsync(volume, cancellationToken);
    }

    private async Task OnDeltaAsync(Volume volume, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
    {
        var delta = _delta ?? throw new WireFormatException("Blocks came before their delta began.");
        var wrong = delta.Apply(payload.Span);
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
            throw new StreamRefusedException(RefusalCode.Digest, exception.Message, exception.Hint);
        }

        LogCommitted(volume.Name, delta.Target.Id, delta.Target.Sequence);
        _heads.Report(delta.Target.At, delta.Target.Sequence, volume.Appended);
        NoteAge(volume);
        delta.Dispose();
        (_delta, _commit) = (null, null);
        await SendPositionAsync(volume, cancellationToken);
    }
}
