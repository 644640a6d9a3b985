namespace Dr.Contracts.Wire;

/// <summary>Payload of <see cref="FrameType.Error"/>: the stream (or on stream 0 the connection) ends. The header's epoch is the highest the sender has seen.</summary>
public sealed record Refusal(RefusalCode Code, string Message, string? Hint) : IWireMessage<Refusal>
{
    public static FrameType Type => FrameType.Error;

    public void Write(in WireWriter writer)
    {
        writer.Byte((byte)Code);
        writer.Text(Message);
        writer.Text(Hint);
    }

    public static Refusal Read(ref WireReader reader) => new(reader.Enum(RefusalCode.PositionGone), reader.Text(), reader.OptionalText());
}
