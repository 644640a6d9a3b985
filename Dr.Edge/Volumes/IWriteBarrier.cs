namespace Dr.Edge.Volumes;

/// <summary>
/// What a synchronous copy hangs into a volume: writes and flushes are answered only when it lets them. Called outside all locks of the volume; what it throws goes to the client. Demotion does not wait for
/// callers that sit in here.
/// </summary>
internal interface IWriteBarrier
{
    /// <summary>Some copy has to confirm what is appended from now on. What was appended before this became true, the copy has before it counts.</summary>
    bool IsEngaged { get; }

    /// <summary>Has the copies make everything up to <paramref name="last"/> durable while the volume itself does. Returns at once.</summary>
    void BeginFlush(SequenceNumber last);

    /// <summary>Returns when everything up to <paramref name="last"/>, which was appended before, may be answered.</summary>
    void WaitWritten(SequenceNumber last);

    /// <summary>Returns when everything up to <paramref name="last"/> is durable at the copies; <see cref="BeginFlush"/> came before.</summary>
    void WaitFlushed(SequenceNumber last);

    /// <summary>Brings what the ticket is about on its way without waiting for it. Returns at once.</summary>
    void Begin(WriteTicket ticket);

    /// <summary>Whether it may be answered; throws what the waits throw.</summary>
    bool IsConfirmed(WriteTicket ticket);

    /// <summary>See <see cref="IBlockDevice.Await"/>.</summary>
    bool Await(WriteTicket ticket, ConfirmationWaiter waiter);

    /// <summary>See <see cref="IBlockDevice.Forget"/>.</summary>
    void Forget(ConfirmationWaiter waiter);
}
