namespace Dr.Edge.Nbd;

/// <summary>Every bound of the server, with the reason for its value. The constants are promised to clients or fixed by the protocol; the rest may be set.</summary>
internal sealed class NbdLimits
{
    /// <summary>The protocol's longest string: export names, context queries, messages.</summary>
    public const int MaxStringBytes = 4096;

    /// <summary>
    /// Option data that is kept in memory: a name and fifteen of the longest context queries. More is consumed without being stored and answered with
    /// TOO_BIG, so an announced 4 GiB costs nothing.
    /// </summary>
    public const int MaxOptionBytes = 64 * 1024;

    /// <summary>Without negotiation clients expect 32 MiB to work in both directions, and QEMU never sends more.</summary>
    public const int MaxPayloadBytes = 32 * 1024 * 1024;

    /// <summary>The store keeps any byte range; smaller than 4 KiB it reads, merges and appends.</summary>
    public const int MinimumBlockBytes = 1;

    /// <summary>The store's block.</summary>
    public const int PreferredBlockBytes = 4096;

    /// <summary>A connection's buffers start here, so that 200 idle ones cost 25 MiB.</summary>
    public const int InitialBufferBytes = 64 * 1024;

    /// <summary>
    /// A busy connection's buffer: a thousand 4 KiB writes, or sixteen of 256 KiB, in one batch. Above it the processor's caches are left and nothing is gained.
    /// </summary>
    public const int BusyBufferBytes = 4 * 1024 * 1024;

    /// <summary>Answers are sent when this much is waiting even if more requests are buffered, so that the client can work meanwhile.</summary>
    public const int SendThresholdBytes = 256 * 1024;

    /// <summary>Changes in one batch; with 4 KiB writes about what a full buffer holds.</summary>
    public const int MaxBatchExtents = 1024;

    /// <summary>
    /// Data after which a batch is handed over although more would be there: group commit has won all it can by then, and the data are still in the processor's cache when the
    /// store sums and writes them. One larger request is one batch.
    /// </summary>
    public const int BatchThresholdBytes = 1024 * 1024;

    /// <summary>Zeros in one piece for the store. Longer ones, up to 64-bit lengths, are done piece by piece, so that nobody else's write waits behind terabytes.</summary>
    public const long MaxZeroExtentBytes = 1L << 30;

    /// <summary>Contexts that one client may select: base:allocation, the depth, and some points to compare. More are answered with TOO_BIG.</summary>
    public const int MaxContexts = 16;

    /// <summary>Extents in one BLOCK_STATUS answer: 128 KiB, or 256 KiB with extended headers. Clients ask again for the rest; the protocol's own bound is 2^20.</summary>
    public const int MaxStatusExtents = 16 * 1024;

    /// <summary>
    /// How long a connection's thread looks for the next request of a client that waits for every answer before it sleeps (<see cref="PollDecision"/>). About what waking a thread costs on a virtual
    /// machine: it never takes more processor time than the sleep that it saves.
    /// </summary>
    public static readonly TimeSpan PollTime = TimeSpan.FromMicroseconds(50);

    /// <summary>Thread stack of a connection. The store's write path keeps its scratch on the heap; a quarter of the default is ample.</summary>
    public const int ThreadStackBytes = 1024 * 1024;

    /// <summary>Waiting connections in the kernel: a burst of clients that come back after a restart.</summary>
    public const int Backlog = 256;

    /// <summary>Clients at once, each with a thread: 200 hosts' worth and some to look at things. When all are taken the oldest unfinished handshake gives way.</summary>
    public int MaxConnections { get; init; } = 256;

    /// <summary>
    /// Of those, how many from one address (all clients of the Unix socket count as one): a host that went wild leaves sixteen places to others. A host needs 4 to 16 a volume.
    /// At this limit the address's own oldest unfinished handshake gives way.
    /// </summary>
    public int MaxConnectionsPerAddress { get; init; } = 240;

    /// <summary>From accept to transmission. A healthy client needs milliseconds; one that stays longer only takes up a place (CVE-2024-7409). What the server needs to open the export does not count.</summary>
    public TimeSpan HandshakeTime { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Requests larger than <see cref="BusyBufferBytes"/> that can be in memory at once, over all connections: 1 GiB. A client gets one of these buffers only after it has sent a
    /// busy buffer full, not on its word; when none is left such requests are refused with ENOMEM, while small ones go on.
    /// </summary>
    public int MaxLargeBuffers { get; init; } = 32;

    /// <summary>After this long without a request a connection gives its large buffers back.</summary>
    public TimeSpan IdleTime { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>On shutdown: the time that running requests get before their connections are cut.</summary>
    public TimeSpan ShutdownTime { get; init; } = TimeSpan.FromSeconds(5);
}
