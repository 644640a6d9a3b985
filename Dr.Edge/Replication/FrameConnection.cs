using System.Buffers;
using System.Buffers.Binary;
using System.Net.Sockets;
using Dr.Contracts.Wire;
using ZstdSharp;

namespace Dr.Edge.Replication;

/// <summary>
/// One TCP connection of frames, the same on both ends. Invariants: frames leave whole and numbered in order; one that arrives damaged or out of order ends
/// the connection; a peer that is silent for <see cref="DeadAfter"/> is dead. Senders of several streams take turns frame by frame.
/// </summary>
internal sealed class FrameConnection : IAsyncDisposable
{
    public static readonly TimeSpan HeartbeatEvery = TimeSpan.FromSeconds(2);

    /// <summary>Four missed heartbeats; with one period to notice it stays below the 10 s that the requirements allow.</summary>
    public static readonly TimeSpan DeadAfter = TimeSpan.FromSeconds(8);

    /// <summary>Longer messages go in parts, so that another stream's frame need not wait longer than this takes on the line.</summary>
    public const int PartBytes = 1024 * 1024;

    /// <summary>Payloads from here on are received into memory that is used again: new memory of this size is cleared and collected at a cost that shows.</summary>
    private const int RentedBytes = 32 * 1024;

    /// <summary>What one read takes at most, unless a frame is longer.</summary>
    private const int ReceivedAtOnce = 256 * 1024;

    private readonly Socket _socket;
    private readonly Stream _stream;
    private readonly TimeProvider _time;
    private readonly SemaphoreSlim _turn = new(1, 1); // Held for one frame: numbering and writing belong together. First come, first served.
    private readonly Decompressor _decompressor = new();
    private readonly Dictionary<int, ArrayBufferWriter<byte>> _parts = [];
    private long _sentSequence;
    private long _receivedSequence;
    private long _receivedAt;
    private volatile bool _isBusy;
    private long _sentBytes;
    private long _receivedBytes;

    /// <param name="line">The socket's bytes as frames, with TLS around it or not; ends with this object.</param>
    public FrameConnection(Socket socket, Stream line, TimeProvider time)
    {
        socket.NoDelay = true;
        RemoteName = NameOf(socket);
        _socket = socket;
        _stream = line;
        _time = time;
        _receivedAt = time.GetTimestamp();
    }

    /// <summary>Still known when the connection is gone.</summary>
    public string RemoteName { get; }

    public long SentBytes => Interlocked.Read(ref _sentBytes);

    public long ReceivedBytes => Interlocked.Read(ref _receivedBytes);

    /// <summary>A message is being handled: while we do not read, silence says nothing about the peer.</summary>
    public bool IsBusy => _isBusy;

    public Task SendAsync<T>(FrameStamp stamp, T message, CancellationToken cancellationToken)
        where T : IWireMessage<T>
    {
        var payload = WireMessage.Encode(message);
        return SendAsync(T.Type, stamp, payload, FrameFlags.None, payload.Length, cancellationToken);
    }

    /// <summary>Sends a message in as many frames as it needs; returns the bytes on the wire. A part is compressed when <paramref name="compression"/> (null: nothing is) finds it worth it.</summary>
    /// <param name="partBytes">Payload of one frame before compression, at most <see cref="PartBytes"/>.</param>
    /// <param name="pay">Returns when a frame of so many bytes may go.</param>
    public async Task<long> SendAsync(
        FrameType type, FrameStamp stamp, ReadOnlyMemory<byte> payload, FrameCompression? compression, int partBytes, Func<long, CancellationToken, Task> pay, CancellationToken cancellationToken)
    {
        long sent = 0;
        do
        {
            var part = payload[..Math.Min(payload.Length, partBytes)];
            payload = payload[part.Length..];
            var (packed, flags) = compression?.Pack(part) ?? (part, FrameFlags.None);
            flags |= payload.IsEmpty ? FrameFlags.None : FrameFlags.Continued;
            await pay(FrameCodec.HeaderSize + packed.Length, cancellationToken);
            await SendAsync(type, stamp, packed, flags, part.Length, cancellationToken);
            sent += FrameCodec.HeaderSize + packed.Length;
        }
        while (!payload.IsEmpty);

        return sent;
    }

    /// <summary>As above for a message behind <see cref="FrameCodec.HeaderSize"/> free bytes: one that goes whole and as it is needs no copy. What was in the free bytes is lost.</summary>
    public async ValueTask<long> SendBehindHeaderAsync(
        FrameType type, FrameStamp stamp, Memory<byte> frame, FrameCompression? compression, int partBytes, Func<long, CancellationToken, Task> pay, CancellationToken cancellationToken)
    {
        var payload = frame[FrameCodec.HeaderSize..];
        if (payload.Length > partBytes)
        {
            return await SendAsync(type, stamp, payload, compression, partBytes, pay, cancellationToken);
        }

        var (packed, flags) = compression?.Pack(payload) ?? (payload, FrameFlags.None);
        var length = FrameCodec.HeaderSize + packed.Length;
        await pay(length, cancellationToken);
        if (flags == FrameFlags.None)
        {
            await SendFrameAsync(type, stamp, frame, flags, payload.Length, cancellationToken);
        }
        else
        {
            await SendAsync(type, stamp, packed, flags, payload.Length, cancellationToken);
        }

        return length;
    }

    /// <summary>
    /// Receives until the connection ends, keeping it alive meanwhile. The handler is awaited message by message: a slow one holds the peer back through TCP.
    /// </summary>
    /// <exception cref="DrException">The peer is gone, silent, or speaks wrongly.</exception>
    public async Task RunAsync(Func<ReceivedMessage, CancellationToken, ValueTask> handler, CancellationToken cancellationToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task[] loops = [ReceiveAsync(handler, ending.Token), BeatAsync(ending.Token), WatchAsync(ending.Token)];
        var first = await Task.WhenAny(loops);
        await ending.CancelAsync();

        // A blocked write does not hear the token in time when the peer has stopped reading: closing the socket frees it.
        _socket.Close();
        await Task.WhenAll(loops).ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        cancellationToken.ThrowIfCancellationRequested();
        await Describe(first);
    }

    /// <summary>Ends the connection at once; <see cref="RunAsync"/> then throws.</summary>
    public void Abort() => _socket.Close();

    public async ValueTask DisposeAsync()
    {
        await _stream.DisposeAsync();
        _decompressor.Dispose();
    }

    private async Task SendAsync(FrameType type, FrameStamp stamp, ReadOnlyMemory<byte> payload, FrameFlags flags, int rawLength, CancellationToken cancellationToken)
    {
        var length = FrameCodec.HeaderSize + payload.Length;
        var buffer = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            payload.CopyTo(buffer.AsMemory(FrameCodec.HeaderSize));
            await SendFrameAsync(type, stamp, buffer.AsMemory(0, length), flags, rawLength, cancellationToken);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <param name="frame">Room for the header, then the payload.</param>
    private async ValueTask SendFrameAsync(FrameType type, FrameStamp stamp, Memory<byte> frame, FrameFlags flags, int rawLength, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            var payload = frame[FrameCodec.HeaderSize..];
            var header = new FrameHeader(type, flags, payload.Length, stamp.Stream, _sentSequence + 1, stamp.Epoch, stamp.Generation, rawLength, 0);
            FrameCodec.WriteHeader(frame.Span, header, payload.Span);
            _sentSequence++;

            // A frame that has begun is finished, whatever becomes of its stream: half a frame would end the connection for the others. Closing the socket frees a blocked write.
            await _stream.WriteAsync(frame, CancellationToken.None);
        }
        catch (Exception exception) when (exception is ObjectDisposedException or InvalidOperationException or IOException or SocketException)
        {
            throw new DrException("The connection to the peer has ended.", inner: exception, isTransient: true);
        }
        finally
        {
            _turn.Release();
        }

        Interlocked.Add(ref _sentBytes, frame.Length);
    }

    private Task ReceiveAsync(Func<ReceivedMessage, CancellationToken, ValueTask> handler, CancellationToken cancellationToken) =>
        Task.Factory.StartNew(() => Receive(handler, cancellationToken), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    // A thread of its own: what a writer waits for on the other end must not wait for one of the pool's.
    private void Receive(Func<ReceivedMessage, CancellationToken, ValueTask> handler, CancellationToken cancellationToken)
    {
        var buffer = new byte[ReceivedAtOnce];
        var (start, end) = (0, 0);
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (buffer.Length - end < ReceivedAtOnce / 4)
            {
                // One frame takes no more than the codec allows, so it ends.
                var target = end - start > buffer.Length / 2 ? new byte[buffer.Length * 2] : buffer;
                buffer.AsSpan(start, end - start).CopyTo(target);
                (buffer, start, end) = (target, 0, end - start);
            }

            var read = _stream.Read(buffer.AsSpan(end));
            if (read == 0)
            {
                throw new DrException($"The peer {RemoteName} closed the connection.", isTransient: true);
            }

            end += read;
            var input = new ReadOnlySequence<byte>(buffer, start, end - start);
            Volatile.Write(ref _receivedAt, _time.GetTimestamp());
            while (TakeFrame(ref input) is { } message)
            {
                if (message.Header.Type != FrameType.Heartbeat || message.Header.Stream != 0)
                {
                    // A disk that takes long here must not end the connection.
                    _isBusy = true;
                    message.IsFollowed = IsFollowed(input, message.Header);
                    var handling = handler(message, cancellationToken);
                    if (!handling.IsCompletedSuccessfully)
                    {
                        handling.AsTask().GetAwaiter().GetResult();
                    }

                    Volatile.Write(ref _receivedAt, _time.GetTimestamp());
                    _isBusy = false;
                }
            }

            start = end - (int)input.Length;
            (start, end) = start == end ? (0, 0) : (start, end);
        }
    }

    // Whether the next whole frame of the same kind for the same stream is there already. What is not yet proven by its checksum decides about an answer's time only.
    private static bool IsFollowed(in ReadOnlySequence<byte> rest, in FrameHeader header)
    {
        var next = rest.FirstSpan;
        return next.Length >= FrameCodec.HeaderSize
            && next[FrameCodec.TypeOffset] == (byte)header.Type
            && BinaryPrimitives.ReadInt32LittleEndian(next[FrameCodec.StreamOffset..]) == header.Stream
            && BinaryPrimitives.ReadInt32LittleEndian(next[FrameCodec.PayloadLengthOffset..]) is >= 0 and var length && length <= next.Length - FrameCodec.HeaderSize;
    }

    // Null: no whole message is there yet.
    private ReceivedMessage? TakeFrame(ref ReadOnlySequence<byte> input)
    {
        while (true)
        {
            var status = FrameCodec.TryRead(ref input, out var header, out var payload);
            if (status == FrameReadStatus.NeedMoreData)
            {
                return null;
            }

            if (status == FrameReadStatus.Corrupt || header.Sequence != _receivedSequence + 1)
            {
                throw new DrException($"A damaged, lost or doubled frame came from {RemoteName}; both sides start again from what is on disk.", isTransient: true);
            }

            _receivedSequence++;
            Interlocked.Add(ref _receivedBytes, FrameCodec.HeaderSize + header.PayloadLength);
            if (Assemble(Unpack(header, payload)) is { } message)
            {
                return message;
            }
        }
    }

    private ReceivedMessage Unpack(FrameHeader header, ReadOnlySequence<byte> payload)
    {
        var rented = header.RawLength >= RentedBytes ? ArrayPool<byte>.Shared.Rent(header.RawLength) : null;
        var raw = (rented ?? new byte[header.RawLength]).AsMemory(0, header.RawLength);
        if (!header.Flags.HasFlag(FrameFlags.Zstd))
        {
            payload.CopyTo(raw.Span);
        }
        else
        {
            Decompress(payload.IsSingleSegment ? payload.FirstSpan : payload.ToArray(), raw.Span);
        }

        return new ReceivedMessage(header, raw, rented);
    }

    private void Decompress(ReadOnlySpan<byte> payload, Span<byte> raw)
    {
        try
        {
            if (_decompressor.Unwrap(payload, raw) == raw.Length)
            {
                return;
            }
        }
        catch (ZstdException exception)
        {
            throw new DrException($"A frame from {RemoteName} does not decompress.", inner: exception, isTransient: true);
        }

        throw new DrException($"A frame from {RemoteName} decompresses to another length than it says.", isTransient: true);
    }

    private ReceivedMessage? Assemble(ReceivedMessage part)
    {
        var header = part.Header;
        _parts.TryGetValue(header.Stream, out var parts);
        if (!header.Flags.HasFlag(FrameFlags.Continued) && parts is null)
        {
            return part;
        }

        parts ??= _parts[header.Stream] = new ArrayBufferWriter<byte>(part.Payload.Length * 2);
        if (parts.WrittenCount + part.Payload.Length > BatchCodec.MaxMessage)
        {
            throw new DrException($"A message from {RemoteName} is longer than {BatchCodec.MaxMessage} bytes.", isTransient: true);
        }

        parts.Write(part.Payload.Span);
        part.Release();
        if (header.Flags.HasFlag(FrameFlags.Continued))
        {
            return null;
        }

        _parts.Remove(header.Stream);
        return new ReceivedMessage(header, parts.WrittenMemory);
    }

    private async Task BeatAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(HeartbeatEvery, _time);
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            await SendAsync(FrameStamp.Connection, new Heartbeat(_time.GetUtcNow(), default), cancellationToken);
        }
    }

    private async Task WatchAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(500), _time);
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            if (!IsBusy && _time.GetElapsedTime(Volatile.Read(ref _receivedAt)) > DeadAfter)
            {
                throw new DrException($"The peer {RemoteName} has been silent for {DeadAfter.TotalSeconds:0} s.", isTransient: true);
            }
        }
    }

    private static async Task Describe(Task ended)
    {
        try
        {
            await ended;
        }
        catch (Exception exception) when (exception is IOException or SocketException or ObjectDisposedException)
        {
            throw new DrException($"The connection broke: {exception.Message}", inner: exception, isTransient: true);
        }
    }

    private static string NameOf(Socket socket)
    {
        try
        {
            return socket.RemoteEndPoint?.ToString() ?? "?";
        }
        catch (SocketException)
        {
            return "?"; // Gone before it was used.
        }
    }
}
