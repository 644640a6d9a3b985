namespace Dr.Contracts.Wire;

/// <summary>
/// The delta from <paramref name="Base"/> (id zero: from nothing) to <paramref name="Target"/> follows, from <paramref name="FromBlock"/> on, in ascending
/// blocks. <paramref name="Chain"/> is the source's history up to the target point.
/// </summary>
public sealed record DeltaBegin(PointMark Base, PointInfo Target, long FromBlock, IReadOnlyList<GenerationStart> Chain) : IWireMessage<DeltaBegin>
{
    public static FrameType Type => FrameType.DeltaBegin;

    public void Write(in WireWriter writer)
    {
        WireLists.Write(writer, Base);
        writer.Int64(FromBlock);
        WireLists.Write(writer, Target);
        WireLists.Write(writer, Chain);
    }

    public static DeltaBegin Read(ref WireReader reader)
    {
        var mark = WireLists.ReadMark(ref reader);
        var from = reader.Count();
        return new DeltaBegin(mark, WireLists.ReadPoint(ref reader), from, WireLists.ReadChain(ref reader));
    }
}
