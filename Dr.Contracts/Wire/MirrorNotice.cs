namespace Dr.Contracts.Wire;

/// <summary>
/// What the source's record <paramref name="Record"/> says of this copy. The target puts it on its disk and then sends it back as it came. With <see cref="LossPolicy.Stall"/> a copy that was told to be
/// whole stays so until it is told otherwise; with <see cref="LossPolicy.Degrade"/> only while it hears from the source.
/// </summary>
public sealed record MirrorNotice(long Record, MirrorState State, LossPolicy OnLoss) : IWireMessage<MirrorNotice>
{
    public static FrameType Type => FrameType.Mirror;

    public void Write(in WireWriter writer)
    {
        writer.Int64(Record);
        writer.Byte((byte)State);
        writer.Byte((byte)OnLoss);
    }

    public static MirrorNotice Read(ref WireReader reader) => new(reader.Count(), reader.Enum(MirrorState.Whole), reader.Enum(LossPolicy.Degrade));
}
