namespace Dr.Contracts.Wire;

/// <summary>
/// On a volume's stream: at <paramref name="At"/> (the source's clock) the source had appended <paramref name="Head"/>; a target that has applied that
/// much is current as of that time. On stream 0 only the time is used.
/// </summary>
public sealed record Heartbeat(DateTimeOffset At, SequenceNumber Head) : IWireMessage<Heartbeat>
{
    public static FrameType Type => FrameType.Heartbeat;

    public void Write(in WireWriter writer)
    {
        writer.Time(At);
        writer.Sequence(Head);
    }

    public static Heartbeat Read(ref WireReader reader) => new(reader.Time(), reader.Sequence());
}
