namespace Dr.Edge.Volumes;

/// <summary>What a synchronous copy hangs into a volume: writes and flushes are answered only when it lets them.</summary>
internal interface IWriteBarrier
{
    /// <summary>
    /// Returns when everything up to <paramref name="last"/> is as safe as it must be. Called outside all locks of the volume, after the batch was appended; what it throws goes to the client.
    /// Demotion does not wait for callers that sit in here.
    /// </summary>
    void WaitWritten(SequenceNumber last);
}
