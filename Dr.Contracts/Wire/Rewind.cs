namespace Dr.Contracts.Wire;

/// <summary>
/// The target holds writes that the owner's history does not. It checks with its own copy of both histories that <paramref name="To"/> is the last position they share,
/// keeps what lies beyond as a clone, goes back, and answers with <see cref="Position"/>.
/// </summary>
public sealed record Rewind(SequenceNumber To) : IWireMessage<Rewind>
{
    public static FrameType Type => FrameType.Rewind;

    public void Write(in WireWriter writer) => writer.Sequence(To);

    public static Rewind Read(ref WireReader reader) => new(reader.Sequence());
}
