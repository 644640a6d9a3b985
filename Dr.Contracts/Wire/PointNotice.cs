namespace Dr.Contracts.Wire;

/// <summary>The source has a point exactly where the target is now: the target seals the same one, with the same id, time and marks.</summary>
public sealed record PointNotice(PointInfo Point) : IWireMessage<PointNotice>
{
    public static FrameType Type => FrameType.Point;

    public void Write(in WireWriter writer) => WireLists.Write(writer, Point);

    public static PointNotice Read(ref WireReader reader) => new(WireLists.ReadPoint(ref reader));
}
