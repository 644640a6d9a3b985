namespace Dr.Contracts.Wire;

/// <summary>
/// Every block of the delta was sent. The target attaches it only if the digest of the whole point comes out as <paramref name="Digest"/> (32 bytes): the digest of checksums from
/// version <see cref="Hello.WithChecksumDigest"/> on, the digest of content before.
/// </summary>
public sealed record Commit(PointMark Target, ReadOnlyMemory<byte> Digest) : IWireMessage<Commit>
{
    public const int DigestBytes = 32;

    public static FrameType Type => FrameType.Commit;

    public void Write(in WireWriter writer)
    {
        WireLists.Write(writer, Target);
        writer.Bytes(Digest.Span);
    }

    public static Commit Read(ref WireReader reader) => new(WireLists.ReadMark(ref reader), reader.Bytes(DigestBytes).ToArray());

    public bool Equals(Commit? other) => other is not null && Target == other.Target && Digest.Span.SequenceEqual(other.Digest.Span);

    public override int GetHashCode() => Target.GetHashCode();
}
