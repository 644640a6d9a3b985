namespace Dr.Contracts.Wire;

/// <summary>
/// What the source's record <paramref name="Record"/> says of this copy. The target puts it on its disk and then sends it back as it came. With <see cref="LossPolicy.Stall"/> a copy that was told to be
/// whole stays so until it is told otherwise; with <see cref="LossPolicy.Degrade"/> only while it hears from the source.
/// </summary>
/// <param name="Ack">What a write's answer waits for. Null towards peers before <see cref="Hello.WithFlush"/>, which know only <see cref="MirrorAck.Durable"/>.</param>
public sealed record MirrorNotice(long Record, MirrorState State, LossPolicy OnLoss, MirrorAck? Ack = null) : IWireMessage<MirrorNotice>
{
    public static FrameType Type => FrameType.Mirror;

    public void Write(in WireWriter writer)
    {
        writer.Int64(Record);
        writer.Byte((byte)State);
        writer.Byte((byte)OnLoss);
        if (Ack is { } ack)
        {
            writer.Byte((byte)ack);
        }
    }

    public static MirrorNotice Read(ref WireReader reader) =>
        new(reader.Count(), reader.Enum(MirrorState.Whole), reader.Enum(LossPolicy.Degrade), reader.Remaining == 0 ? null : reader.Enum(MirrorAck.Durable));
}
