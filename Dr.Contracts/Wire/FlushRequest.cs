namespace Dr.Contracts.Wire;

/// <summary>
/// Asks the target to make everything that it has applied durable, at once, and to acknowledge it: also when it is durable already. Sent behind the batches up to <paramref name="UpTo"/>, so a target that has less has lost
/// frames, and the stream has ended anyway.
/// </summary>
public sealed record FlushRequest(SequenceNumber UpTo) : IWireMessage<FlushRequest>
{
    public static FrameType Type => FrameType.Flush;

    public void Write(in WireWriter writer) => writer.Sequence(UpTo);

    public static FlushRequest Read(ref WireReader reader) => new(reader.Sequence());
}
