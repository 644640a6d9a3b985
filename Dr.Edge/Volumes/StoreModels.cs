namespace Dr.Edge.Volumes;

/// <summary>From <see cref="After"/> + 1 on, writes belong to <see cref="Generation"/>, until the next span begins.</summary>
/// <param name="After">The position this generation grew from: the last sequence number of the span before.</param>
internal readonly record struct GenerationSpan(Generation Generation, SequenceNumber After);

/// <summary>Whole 4 KiB blocks, first to first + count - 1.</summary>
internal readonly record struct BlockRange(long First, long Count);

/// <summary>Where a clone began: the volume and the position whose content it had.</summary>
internal sealed record CloneOrigin(VolumeId Volume, SequenceNumber Sequence, PointId? Point, DateTimeOffset At);

/// <summary>One entry of a volume's journal, in order.</summary>
internal abstract record JournalItem
{
    private JournalItem()
    {
    }

    /// <summary>A batch exactly as it is on disk. <see cref="Bytes"/> is the reader's buffer: valid until its next call.</summary>
    public sealed record Batch(ReadOnlyMemory<byte> Bytes, SequenceNumber First, SequenceNumber Last, Generation Generation, DateTimeOffset At) : JournalItem;

    /// <summary>A point lies here: after every batch up to its sequence number, before the next.</summary>
    public sealed record Point(PointInfo Info) : JournalItem;
}

/// <summary>What <see cref="JournalReader.TryReadRun"/> found: batches, or a point. The memory is the reader's, until its next call.</summary>
/// <param name="Memory">The headroom, then the batches back to back; empty for a point.</param>
/// <param name="Last">Last sequence number.</param>
[System.Runtime.InteropServices.StructLayout(System.Runtime.InteropServices.LayoutKind.Auto)]
internal readonly record struct JournalRun(Memory<byte> Memory, PointInfo? Point, SequenceNumber Last);

internal enum JournalStatus
{
    Item,

    /// <summary>Nothing more yet; <see cref="Volume.WaitForAppendAsync"/> waits for more.</summary>
    AtEnd,

    /// <summary>The layers no longer hold what follows the reader's position (expired, compacted, received as a delta): a delta between points is the way on.</summary>
    Gone,
}
