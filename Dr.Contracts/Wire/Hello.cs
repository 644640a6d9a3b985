namespace Dr.Contracts.Wire;

/// <summary>Who speaks, and which versions of the protocol it understands. Both sides use the highest that both understand; none in common ends the connection.</summary>
public sealed record Hello(int OldestVersion, int NewestVersion, Guid Node, string Device, string Software) : IWireMessage<Hello>
{
    /// <summary>The version described in <c>replication-frames.md</c>.</summary>
    public const int CurrentVersion = 7;

    /// <summary>Version 1 has no <see cref="FrameType.Mirror"/>.</summary>
    public const int OldestSupported = 1;

    /// <summary>First version with <see cref="FrameType.Mirror"/>.</summary>
    public const int WithMirror = 2;

    /// <summary>First version whose <see cref="Commit"/> carries the digest of checksums; before it was the digest of the content.</summary>
    public const int WithChecksumDigest = 3;

    /// <summary>First version with <see cref="FrameType.Sizes"/>.</summary>
    public const int WithSizes = 3;

    /// <summary>First version with <see cref="FrameType.DigestQuery"/> and <see cref="FrameType.Digests"/>.</summary>
    public const int WithDigests = 3;

    /// <summary>First version with <see cref="FrameType.PackedDelta"/>.</summary>
    public const int WithPackedDeltas = 4;

    /// <summary>First version with <see cref="FrameType.Lease"/>.</summary>
    public const int WithLease = 5;

    /// <summary>First version whose target acknowledges what it has applied before it is durable, and flushes when it gets <see cref="FrameType.Flush"/>; its <see cref="MirrorNotice"/> says which of the two is waited for.</summary>
    public const int WithFlush = 6;

    /// <summary>First version with <see cref="FrameType.Run"/>.</summary>
    public const int WithRuns = 6;

    /// <summary>First version with <see cref="FrameType.ArrangedDelta"/>.</summary>
    public const int WithArrangedDeltas = 7;

    public static FrameType Type => FrameType.Hello;

    /// <summary>The version to use with a peer, or null.</summary>
    public static int? Negotiate(Hello ours, Hello theirs)
    {
        var version = Math.Min(ours.NewestVersion, theirs.NewestVersion);
        return version >= Math.Max(ours.OldestVersion, theirs.OldestVersion) ? version : null;
    }

    public void Write(in WireWriter writer)
    {
        writer.UInt16(OldestVersion);
        writer.UInt16(NewestVersion);
        writer.Id(Node);
        writer.Text(Device);
        writer.Text(Software);
    }

    public static Hello Read(ref WireReader reader) => new(reader.UInt16(), reader.UInt16(), reader.Id(), reader.Text(), reader.Text());
}
