namespace Dr.Edge.Archives.Restoring;

/// <summary>Takes the content of an archive, in ascending order, and goes on where an interrupted attempt stopped.</summary>
internal interface IRestoreTarget : IDisposable
{
    /// <summary>What lies before this byte of the volume is there from an earlier attempt, on stable storage.</summary>
    long DoneBytes { get; }

    /// <summary>Content that the earlier attempt wrote.</summary>
    long DataBytes { get; }

    void Write(long offset, ReadOnlyMemory<byte> content);

    /// <summary>Everything before <paramref name="doneBytes"/> is written: makes it durable and remembers it.</summary>
    void Record(long doneBytes, long dataBytes);

    /// <summary>All is written: makes it durable and gives the target its name.</summary>
    void Complete();
}
