namespace Dr.Edge.Volumes;

/// <summary>One copy of a protected volume: the log is the volume. Every member may be called from any thread.</summary>
internal sealed class Volume : IBlockDevice, IDisposable
{
    public VolumeId Id { get; }

    public string Name { get; } = "";

    /// <summary>The volume's own directory; other parts may keep files of theirs in it under their own names.</summary>
    public string DirectoryPath { get; } = "";

    public long SizeBytes { get; }

    public VolumeRole Role { get; }

    /// <summary>Highest epoch seen, persisted.</summary>
    public Epoch Epoch { get; }

    /// <summary>Oldest first; the last is the one that writes belong to now.</summary>
    public IReadOnlyList<GenerationSpan> Generations { get; } = [];

    /// <summary>Last write appended here (visible to readers).</summary>
    public SequenceNumber Appended { get; }

    /// <summary>Last write on stable storage here.</summary>
    public SequenceNumber Durable { get; }

    /// <summary>Oldest first.</summary>
    public IReadOnlyList<PointInfo> Points { get; } = [];

    /// <summary>On a replica: the content equals the source's at this time or later; on a primary: now.</summary>
    public DateTimeOffset? CurrentAsOf { get; }

    public WriteGate Gate { get; } = new(TimeProvider.System);

    /// <summary>Why the volume refuses work; null when it does not.</summary>
    public string? Fault { get; }

    /// <summary>Null when this is not a clone.</summary>
    public CloneOrigin? Origin { get; }

    /// <summary>Raised after role, epoch, generation, points or fault changed. Not under a lock.</summary>
    public event Action<Volume>? StateChanged;

    public bool IsReadOnly => false;

    public void Read(long offset, Span<byte> destination) => throw new NotSupportedException();

    public void Write(ReadOnlySpan<WriteExtent> extents, bool forceUnitAccess) => throw new NotSupportedException();

    public void Flush() => throw new NotSupportedException();

    public void GetAllocation(long offset, long length, int maxRuns, List<AllocationRun> runs) => throw new NotSupportedException();

    /// <summary>Takes a point at the end of what is appended now; durable on return.</summary>
    public PointInfo CreatePoint(string? label, PointConsistency consistency, string? reason) => throw new NotSupportedException();

    /// <summary>False when there is no such point.</summary>
    /// <exception cref="DrException">It is held (an open view, a clone, replication).</exception>
    public bool DeletePoint(PointId point) => throw new NotSupportedException();

    /// <summary>Keeps history from <paramref name="sequence"/> on from giving way until disposed (in memory: taken again after a restart by whoever needs it).</summary>
    public IDisposable Hold(SequenceNumber sequence, string reason) => throw new NotSupportedException();

    public VolumeView OpenView(PointId point) => throw new NotSupportedException();

    public VolumeView OpenView(DateTimeOffset at) => throw new NotSupportedException();

    /// <summary>Journal from <paramref name="after"/> (exclusive) on.</summary>
    public JournalReader ReadJournal(SequenceNumber after) => throw new NotSupportedException();

    /// <summary>Completes when something after <paramref name="after"/> is appended or a point is taken, demotion or fault included.</summary>
    public Task WaitForAppendAsync(SequenceNumber after, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>
    /// Appends a batch of the source's journal exactly as it is. Checks every checksum, volume id, and that it follows directly on <see cref="Appended"/> in generation and chain.
    /// Not durable until <see cref="Flush"/>. Role must not be primary.
    /// </summary>
    /// <exception cref="CorruptDataException">A checksum is wrong.</exception>
    /// <exception cref="DrException">It does not follow.</exception>
    public void AppendReplica(ReadOnlyMemory<byte> rawBatch) => throw new NotSupportedException();

    /// <summary>Records the source's point here, at the same position; idempotent by id. Durable on return.</summary>
    public void SealReplica(PointInfo point) => throw new NotSupportedException();

    /// <summary>On a replica: the source says that it had nothing newer than our <see cref="Appended"/> at <paramref name="at"/>. In memory.</summary>
    public void NoteCurrentAsOf(DateTimeOffset at) => throw new NotSupportedException();

    /// <summary>Blocks that may differ between two points, in ascending order; <paramref name="from"/> null = everything that is not a hole at <paramref name="to"/>.</summary>
    public IReadOnlyList<BlockRange> ChangedBlocks(PointId? from, PointId to) => throw new NotSupportedException();

    /// <summary>
    /// The staging layer for a delta from <paramref name="basePoint"/> to <paramref name="target"/>, resumed when it is there already (one with other points is discarded). With a base, that point must be the newest
    /// thing here (its sequence = <see cref="Appended"/>); without, everything not written reads as zeros.
    /// </summary>
    public StagingLayer OpenStaging(PointId? basePoint, PointInfo target) => throw new NotSupportedException();

    /// <summary>SHA-256 that says that two copies hold the same content; see <c>volume-format.md</c>, "Content digest".</summary>
    public byte[] ContentDigest(PointId point) => throw new NotSupportedException();

    /// <summary>Becomes primary. The epoch must be higher than any seen, or the one it is primary at already. A new generation begins; durable on return.</summary>
    /// <exception cref="FencedException">The epoch is too low.</exception>
    public void Promote(Epoch epoch) => throw new NotSupportedException();

    /// <summary>
    /// Stops being primary because the owner at <paramref name="epoch"/> is another: shuts the gate, waits out writes in flight, flushes, takes a final point (returned). Repeating it returns the
    /// same point.
    /// </summary>
    /// <exception cref="FencedException">The epoch is lower than one seen, or is the one it is primary at.</exception>
    public PointInfo Demote(Epoch epoch) => throw new NotSupportedException();

    /// <summary>Remembers the highest epoch; a primary that sees a higher one shuts its gate and becomes <see cref="VolumeRole.Demoted"/>. Durable on return.</summary>
    public void SeeEpoch(Epoch epoch) => throw new NotSupportedException();

    /// <summary>A demoted copy becomes a follower.</summary>
    public void BecomeReplica(Epoch epoch) => throw new NotSupportedException();

    /// <summary>
    /// Goes back to <paramref name="sequence"/> (a batch boundary): what came after is kept as the clone <paramref name="tailCloneName"/> (points included) before anything is taken off here.
    /// Nothing to do when it is there already. Role must not be primary.
    /// </summary>
    public void RewindTo(SequenceNumber sequence, string tailCloneName) => throw new NotSupportedException();

    public void Dispose() => StateChanged?.Invoke(this);
}
