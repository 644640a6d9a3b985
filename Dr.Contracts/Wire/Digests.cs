namespace Dr.Contracts.Wire;

/// <summary>
/// Answers a <see cref="DigestQuery"/>, in the order of the queries. A digest is the first 16 bytes of the SHA-256 of the blocks' content (zeros beyond the volume's end); 16 zero bytes say that
/// something of them was written after the point, so that they have to be sent.
/// </summary>
public sealed record Digests(PointId Base, long First, int BlocksPerDigest, ReadOnlyMemory<byte> Values) : IWireMessage<Digests>
{
    public const int DigestBytes = 16;

    public static FrameType Type => FrameType.Digests;

    public int Count => Values.Length / DigestBytes;

    public void Write(in WireWriter writer)
    {
        writer.Point(Base);
        writer.Int64(First);
        writer.UInt16(BlocksPerDigest);
        writer.UInt16(Count);
        writer.Bytes(Values.Span);
    }

    public static Digests Read(ref WireReader reader)
    {
        var (point, first, blocks, count) = (reader.Point(), reader.Count(), reader.UInt16(), reader.UInt16());
        if (count is < 1 or > DigestQuery.MaxCount || blocks is < 1 or > DigestQuery.MaxBlocksPerDigest)
        {
            throw new WireFormatException($"{count} digests of {blocks} blocks; at most {DigestQuery.MaxCount} of {DigestQuery.MaxBlocksPerDigest} are allowed.");
        }

        return new Digests(point, first, blocks, reader.Bytes(count * DigestBytes).ToArray());
    }

    public bool Equals(Digests? other) =>
        other is not null && (Base, First, BlocksPerDigest) == (other.Base, other.First, other.BlocksPerDigest) && Values.Span.SequenceEqual(other.Values.Span);

    public override int GetHashCode() => HashCode.Combine(Base, First, Count);
}
