namespace Dr.Edge.Replication;

/// <summary>
/// What was sent and is not yet durable at the target. Bounds what is sent again after a cut, and what a slow target makes us hold. Pure; one owner.
/// Positions only grow; an acknowledgement covers everything up to it.
/// </summary>
internal sealed class InFlightWindow(long limitBytes)
{
    /// <summary>Half of the 64 MiB that may be sent again after a cut: the other half is what one more message may add.</summary>
    public const long DefaultLimitBytes = 32 * 1024 * 1024;

    private readonly Queue<(long Position, long Bytes)> _sent = new();
    private long _sentUpTo;

    public long Bytes { get; private set; }

    /// <summary>Highest position sent. May be read by others than the owner.</summary>
    public long Sent => Volatile.Read(ref _sentUpTo);

    /// <summary>Highest position acknowledged.</summary>
    public long Acknowledged { get; private set; }

    /// <summary>A message larger than the window still goes, alone.</summary>
    public bool HasRoom => Bytes < limitBytes;

    public void Start(long position)
    {
        _sent.Clear();
        (Bytes, Acknowledged) = (0, position);
        Volatile.Write(ref _sentUpTo, position);
    }

    public void Add(long position, long bytes)
    {
        Invariant.Require(position >= Sent && bytes >= 0, "positions in flight only grow");
        _sent.Enqueue((position, bytes));
        Volatile.Write(ref _sentUpTo, position);
        Bytes += bytes;
    }

    /// <summary>For positions that the target may know from before: what it claims beyond what was sent is left out.</summary>
    public void AcknowledgeAtMost(long position) => TryAcknowledge(Math.Min(position, Sent));

    /// <summary>False when the target claims more than was sent: it holds something else than we believe.</summary>
    public bool TryAcknowledge(long position)
    {
        if (position > Sent)
        {
            return false;
        }

        // A late or repeated acknowledgement changes nothing.
        Acknowledged = Math.Max(Acknowledged, position);
        while (_sent.TryPeek(out var oldest) && oldest.Position <= Acknowledged)
        {
            Bytes -= _sent.Dequeue().Bytes;
        }

        return true;
    }
}
