using Dr.Edge.Nbd.Tls;
using Dr.Edge.Volumes;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Nbd;

/// <summary>One client from accept to close, on a thread of its own. Its trouble ends with it: whatever it sends, no other connection notices.</summary>
internal sealed partial class NbdConnection(
    INbdChannel channel, IExportCatalog catalog, NbdTls? tls, LargeBufferPool pool, NbdLimits limits, TimeProvider time, Action<NbdConnection> ended, ILogger logger)
{
    // Completes when the thread is done with everything. Continuations do not run on the thread that is about to end.
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _isStopping;
    private volatile bool _isTransmitting;
    private volatile bool _isCut;

    // TLS over the channel, once there is any; others stop and abort the plain one below.
    private INbdChannel? _secured;

    private NbdTransmissionSession? _session;

    private INbdChannel Spoken => _secured ?? channel;

    public Task Ended => _ended.Task;

    /// <summary>What the client has done so far; null during the handshake.</summary>
    public NbdSessionCounters? Counters => _session?.Counters;

    public bool IsTransmitting => _isTransmitting;

    /// <summary>True once it was told to end at once; it may take a moment to be gone.</summary>
    public bool IsCut => _isCut;

    /// <summary>Where it comes from: the host's address, or the socket's path.</summary>
    public string Address { get; init; } = "";

    public long AcceptedAt { get; } = time.GetTimestamp();

    public void Start() => new Thread(Run, NbdLimits.ThreadStackBytes) { IsBackground = true, Name = "nbd" }.Start();

    /// <summary>What the client has sent by now is answered with "shutting down"; then the connection ends.</summary>
    public void RequestStop()
    {
        _isStopping = true;
        channel.StopReceiving();
    }

    public void Abort()
    {
        _isCut = true;
        channel.Abort();
    }

    /// <summary>Ends a connection whose thread never started.</summary>
    public void Discard() => End();

    private void Run()
    {
        try
        {
            using var input = new ByteBuffer(pool);
            using var negotiation = Negotiate(input);
            if (negotiation is not null)
            {
                Transmit(negotiation, input);
            }
        }
        catch (Exception exception) when (exception is not InvariantException)
        {
            // A bug of ours, met by one client: nothing unanswered is owed to it, and the others must not suffer. A broken invariant is worse and ends the process.
            LogBug(exception, channel.Peer);
        }
        finally
        {
            End();
        }
    }

    private void End()
    {
        try
        {
            Spoken.Dispose();
        }
        finally
        {
            // Whatever closing met, the place is free again and whoever stops the server does not wait in vain.
            ended(this);
            _ended.SetResult();
        }
    }

    private NbdNegotiation? Negotiate(ByteBuffer input)
    {
        using var clock = new HandshakeClock(catalog, limits.HandshakeTime, time, CutHandshake);
        var handshake = new NbdHandshakeSession(channel, tls, input, () => _isStopping, () => _isTransmitting = true);
        try
        {
            return handshake.Run(clock);
        }
        finally
        {
            _secured = handshake.Channel;
        }
    }

    private void Transmit(NbdNegotiation negotiation, ByteBuffer input)
    {
        using var output = new ByteBuffer(pool);
        var session = new NbdTransmissionSession(Spoken, input, output, negotiation, () => _isStopping, logger);
        _session = session;
        LogAttached(Spoken.Peer, negotiation.Lease!.Info.Name);
        session.Run();
        LogDetached(Spoken.Peer, negotiation.Lease.Info.Name, session.Counters.Requests, session.Counters.Batches, session.Counters.Refused, session.Counters.Failed);
    }

    private void CutHandshake()
    {
        if (!_isTransmitting)
        {
            LogHandshakeTooSlow(channel.Peer, limits.HandshakeTime);
            Abort();
        }
    }

    [LoggerMessage(1201, LogLevel.Information, "{Peer} attached {Export}")]
    private partial void LogAttached(string peer, string export);

    [LoggerMessage(1202, LogLevel.Information, "{Peer} left {Export} after {Requests} requests, {Batches} batches of changes, {Refused} refused, {Failed} failed")]
    private partial void LogDetached(string peer, string export, long requests, long batches, long refused, long failed);

    [LoggerMessage(1203, LogLevel.Warning, "{Peer} did not finish its handshake within {Limit}; dropped")]
    private partial void LogHandshakeTooSlow(string peer, TimeSpan limit);

    [LoggerMessage(1204, LogLevel.Error, "The connection of {Peer} was dropped because of an internal error")]
    private partial void LogBug(Exception exception, string peer);
}
