namespace Dr.Edge.Volumes;

/// <summary>Writes that were appended and may not be answered yet. What a later one allows, it allows for all before it, so the highest of several stands for all of them.</summary>
/// <param name="Written">Up to here writes wait for the copies that are told of every one.</param>
/// <param name="Flushed">Up to here they have to be durable there as well; zero when nothing was forced.</param>
[System.Runtime.InteropServices.StructLayout(System.Runtime.InteropServices.LayoutKind.Auto)]
public readonly record struct WriteTicket(SequenceNumber Written, SequenceNumber Flushed)
{
    public WriteTicket And(WriteTicket other) => new(Written > other.Written ? Written : other.Written, Flushed > other.Flushed ? Flushed : other.Flushed);
}
