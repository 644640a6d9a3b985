namespace Dr.Contracts.Wire;

/// <summary>
/// Opens a volume's stream. The target makes the volume when it has none of that id, remembers the header's epoch, and answers with <see cref="Position"/>
/// or <see cref="Refusal"/>. Sent again whenever both must agree anew.
/// </summary>
public sealed record Announce(
    VolumeId Volume,
    string Name,
    long SizeBytes,
    CopyMode Mode,
    SequenceNumber Appended,
    IReadOnlyList<GenerationStart> Chain,
    IReadOnlyList<PointMark> Points) : IWireMessage<Announce>
{
    public static FrameType Type => FrameType.Announce;

    public void Write(in WireWriter writer)
    {
        writer.Id(Volume.Guid);
        writer.Int64(SizeBytes);
        writer.Byte((byte)Mode);
        writer.Sequence(Appended);
        writer.Text(Name);
        WireLists.Write(writer, Chain);
        WireLists.Write(writer, Points);
    }

    public static Announce Read(ref WireReader reader)
    {
        var volume = new VolumeId(reader.Id());
        var size = reader.Count();
        var mode = reader.Enum(CopyMode.Delta);
        var appended = reader.Sequence();
        return new Announce(volume, reader.Text(), size, mode, appended, WireLists.ReadChain(ref reader), WireLists.ReadPoints(ref reader));
    }
}
