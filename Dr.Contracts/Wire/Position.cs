namespace Dr.Contracts.Wire;

/// <summary>
/// Where the target stands. It owns this: positions are persisted after the data they cover, so what is said here is on its disk.
/// <paramref name="StagedTarget"/> is the delta it has part of (zero: none): blocks below <paramref name="StagedBlock"/> are on its disk, on top of <paramref name="StagedBase"/> (zero: nothing).
/// </summary>
public sealed record Position(
    VolumeRole Role,
    SequenceNumber Appended,
    SequenceNumber Durable,
    PointId StagedBase,
    PointId StagedTarget,
    long StagedBlock,
    IReadOnlyList<GenerationStart> Chain,
    IReadOnlyList<PointMark> Points) : IWireMessage<Position>
{
    public static FrameType Type => FrameType.Position;

    public void Write(in WireWriter writer)
    {
        writer.Byte((byte)Role);
        writer.Sequence(Appended);
        writer.Sequence(Durable);
        writer.Point(StagedBase);
        writer.Point(StagedTarget);
        writer.Int64(StagedBlock);
        WireLists.Write(writer, Chain);
        WireLists.Write(writer, Points);
    }

    public static Position Read(ref WireReader reader) => new(
        reader.Enum(VolumeRole.Demoted),
        reader.Sequence(),
        reader.Sequence(),
        reader.Point(),
        reader.Point(),
        reader.Count(),
        WireLists.ReadChain(ref reader),
        WireLists.ReadPoints(ref reader));
}
