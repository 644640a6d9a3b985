namespace Dr.Contracts.Wire;

/// <summary>
/// Asks the target to promise that it will not become primary for <paramref name="DurationMs"/> from now, by its own clock; it has seen no higher epoch, or it would answer with that instead. The target puts the promise
/// on its disk and sends the message back as it came. The source counts from when it asked.
/// </summary>
/// <param name="Number">Grows with each question on a connection: an answer belongs to one of them.</param>
/// <param name="DurationMs">At most <see cref="MaxDurationMs"/>.</param>
public sealed record LeaseVow(long Number, long DurationMs) : IWireMessage<LeaseVow>
{
    /// <summary>A promise that a lost primary leaves behind keeps the other site waiting that long.</summary>
    public const long MaxDurationMs = 60_000;

    public static FrameType Type => FrameType.Lease;

    public void Write(in WireWriter writer)
    {
        writer.Int64(Number);
        writer.Int64(DurationMs);
    }

    public static LeaseVow Read(ref WireReader reader)
    {
        var vow = new LeaseVow(reader.Count(), reader.Count());
        return vow.DurationMs <= MaxDurationMs ? vow : throw new WireFormatException($"A promise for {vow.DurationMs} ms is longer than {MaxDurationMs}.");
    }
}
