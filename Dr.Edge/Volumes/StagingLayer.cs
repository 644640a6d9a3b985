namespace Dr.Edge.Volumes;

/// <summary>
/// A delta on its way in: a durable layer beside the volume that nobody sees until <see cref="Commit"/>. It survives a restart: <see cref="Volume.OpenStaging"/>
/// with the same points finds it again with everything up to its last <see cref="Flush"/>. One user at a time.
/// </summary>
internal sealed class StagingLayer : IDisposable
{
    public PointId? BasePoint { get; }

    public PointInfo Target { get; } = null!;

    /// <summary>What the last <see cref="Flush"/> recorded; 0 in a new one. Its meaning is the caller's.</summary>
    public long ResumePosition { get; }

    /// <summary>Whole blocks; <paramref name="data"/> is a multiple of 4096 bytes.</summary>
    public void WriteBlocks(long firstBlock, ReadOnlySpan<byte> data) => throw new NotSupportedException();

    public void WriteZeroes(long firstBlock, long count) => throw new NotSupportedException();

    /// <summary>Reads a block as the base point has it (what a partial unit is merged into).</summary>
    public void ReadBase(long firstBlock, Span<byte> destination) => throw new NotSupportedException();

    /// <summary>Everything written so far is on stable storage, then <paramref name="resumePosition"/> is, in this order.</summary>
    public void Flush(long resumePosition) => throw new NotSupportedException();

    /// <summary>The content digest (<see cref="Volume.ContentDigest"/>) that the target point would have.</summary>
    public byte[] Digest() => throw new NotSupportedException();

    /// <summary>
    /// One manifest record attaches layer and point and moves the volume to the point's sequence number; durable on return. <paramref name="generations"/> is the source's
    /// chain up to the point.
    /// </summary>
    /// <exception cref="CorruptDataException">The content's digest is not <paramref name="digest"/>; nothing was attached.</exception>
    public void Commit(ReadOnlySpan<byte> digest, IReadOnlyList<GenerationSpan> generations) => throw new NotSupportedException();

    /// <summary>Deletes the staged data.</summary>
    public void Discard() => throw new NotSupportedException();

    public void Dispose()
    {
    }
}
