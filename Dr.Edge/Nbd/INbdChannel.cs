namespace Dr.Edge.Nbd;

/// <summary>The byte stream to one client, used by its session's thread alone; only <see cref="StopReceiving"/> and <see cref="Abort"/> may come from others.</summary>
internal interface INbdChannel : IDisposable
{
    /// <summary>For logs: an address, or the socket's path.</summary>
    string Peer { get; }

    /// <summary>Waits for bytes. A count above 0, <see cref="EndOfStream"/> when the client is gone in whatever way, or <see cref="IdleTimeout"/>.</summary>
    int Receive(Span<byte> destination);

    /// <summary>True when something has come in. A hint: what it is may still be too little for <see cref="Receive"/> to return, and false says nothing of an end.</summary>
    bool HasInput { get; }

    /// <summary>Whether <see cref="WaitForInput"/> works here.</summary>
    bool CanBeWoken => false;

    /// <summary>Waits until something has come in or the stream has ended (true), or until the waker or the time ends the wait (false). As with <see cref="HasInput"/>, what has come may be too little for <see cref="Receive"/> to return.</summary>
    bool WaitForInput(InputWaker waker, TimeSpan atMost) => throw new NotSupportedException();

    /// <summary>Sends all of it; false when the client is gone.</summary>
    bool Send(ReadOnlySpan<byte> source);

    /// <summary>What the client has sent so far can still be received; then the stream ends.</summary>
    void StopReceiving();

    /// <summary>Ends the stream in both directions at once, also under a waiting call.</summary>
    void Abort();

    const int EndOfStream = 0;

    const int IdleTimeout = -1;
}
