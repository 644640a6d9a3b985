namespace Dr.Edge.Volumes;

/// <summary>
/// Reads a volume's journal in order from a position. One user at a time. Holds nothing: when history gives way under it, it answers
/// <see cref="JournalStatus.Gone"/>. Points with exactly the start's sequence number are delivered too (the receiver's seal is idempotent).
/// </summary>
internal sealed class JournalReader : IDisposable
{
    /// <summary>Last sequence number delivered.</summary>
    public SequenceNumber Position { get; private set; }

    public JournalStatus TryRead(out JournalItem? item) => throw new NotSupportedException();

    public void Dispose()
    {
    }
}
