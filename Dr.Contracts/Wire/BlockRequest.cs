namespace Dr.Contracts.Wire;

/// <summary>The merged blocks did not match their checksum: the target's base differs there. The source sends them whole, and both count a divergence.</summary>
public sealed record BlockRequest(PointId Target, IReadOnlyList<long> Blocks) : IWireMessage<BlockRequest>
{
    public const int MaxBlocks = 4096;

    public static FrameType Type => FrameType.BlockRequest;

    public void Write(in WireWriter writer)
    {
        writer.Point(Target);
        writer.UInt16(Blocks.Count);
        foreach (var block in Blocks)
        {
            writer.Int64(block);
        }
    }

    public static BlockRequest Read(ref WireReader reader)
    {
        var target = reader.Point();
        var count = reader.UInt16();
        if (count > MaxBlocks)
        {
            throw new WireFormatException($"A request for {count} blocks; at most {MaxBlocks} are allowed.");
        }

        var blocks = new long[count];
        for (var i = 0; i < count; i++)
        {
            blocks[i] = reader.Count();
        }

        return new BlockRequest(target, blocks);
    }
}
