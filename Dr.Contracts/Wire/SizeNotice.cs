namespace Dr.Contracts.Wire;

/// <summary>Goes before <see cref="Announce"/>: the sizes the volume had before it was made larger, oldest first. The target's copy then has the same size at every position.</summary>
public sealed record SizeNotice(IReadOnlyList<FormerSize> Former) : IWireMessage<SizeNotice>
{
    public static FrameType Type => FrameType.Sizes;

    public void Write(in WireWriter writer) => WireLists.Write(writer, Former);

    public static SizeNotice Read(ref WireReader reader) => new(WireLists.ReadSizes(ref reader));
}
