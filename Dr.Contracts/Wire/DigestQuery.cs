namespace Dr.Contracts.Wire;

/// <summary>Asks a target for digests of what it holds at a point of its own: <paramref name="Count"/> of them, of <paramref name="BlocksPerDigest"/> blocks each, from <paramref name="First"/> on.</summary>
public sealed record DigestQuery(PointMark Base, long First, int Count, int BlocksPerDigest) : IWireMessage<DigestQuery>
{
    /// <summary>64 KiB of answer.</summary>
    public const int MaxCount = 4096;

    /// <summary>256 KiB of content under one digest.</summary>
    public const int MaxBlocksPerDigest = 64;

    public static FrameType Type => FrameType.DigestQuery;

    public void Write(in WireWriter writer)
    {
        WireLists.Write(writer, Base);
        writer.Int64(First);
        writer.UInt16(Count);
        writer.UInt16(BlocksPerDigest);
    }

    public static DigestQuery Read(ref WireReader reader)
    {
        var query = new DigestQuery(WireLists.ReadMark(ref reader), reader.Count(), reader.UInt16(), reader.UInt16());
        if (query.Count is < 1 or > MaxCount || query.BlocksPerDigest is < 1 or > MaxBlocksPerDigest)
        {
            throw new WireFormatException($"A query for {query.Count} digests of {query.BlocksPerDigest} blocks; at most {MaxCount} of {MaxBlocksPerDigest} are allowed.");
        }

        return query;
    }
}
