namespace Dr.Contracts.Wire;

/// <summary>
/// Three watermarks of the journal (received ≥ applied, received ≥ durable), the newest point sealed (zero: none) and, while a delta is staged, the first block not yet on the target's disk.
/// <paramref name="Applied"/> lets a synchronous write be answered, <paramref name="Durable"/> a flush (and a write, when the copy was asked for that). Resume positions and what is held for the copy follow
/// <paramref name="Durable"/> alone.
/// </summary>
public sealed record Ack(SequenceNumber Received, SequenceNumber Durable, SequenceNumber Applied, PointId NewestPoint, PointId StagedTarget, long StagedBlock) : IWireMessage<Ack>
{
    public static FrameType Type => FrameType.Ack;

    public void Write(in WireWriter writer)
    {
        writer.Sequence(Received);
        writer.Sequence(Durable);
        writer.Sequence(Applied);
        writer.Point(NewestPoint);
        writer.Point(StagedTarget);
        writer.Int64(StagedBlock);
    }

    public static Ack Read(ref WireReader reader) => new(reader.Sequence(), reader.Sequence(), reader.Sequence(), reader.Point(), reader.Point(), reader.Count());
}
