using Dr.Edge.Buffers;

namespace Dr.Edge.Link;

/// <summary>The queue of every device: rows that the control plane has not confirmed. A device that cannot get rid of them sends its beats less often.</summary>
internal sealed class OutboxLoadContributor(EdgeBuffer buffer) : IBeatContributor
{
    public void Contribute(BeatDraft draft) =>
        draft.Load = draft.Load with { QueueLength = Math.Max(draft.Load.QueueLength, (int)Math.Min(buffer.Waiting, int.MaxValue)) };
}
