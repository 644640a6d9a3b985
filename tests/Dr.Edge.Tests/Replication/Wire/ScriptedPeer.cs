using System.Buffers;
using System.Net;
using System.Net.Sockets;
using Dr.Contracts.Ids;
using Dr.Contracts.Wire;

namespace Dr.Edge.Tests.Replication.Wire;

/// <summary>The other end of a line, frame by frame as a test says: what no proper peer would send, exactly when it is wanted. Every frame is right in itself (checksums and numbers).</summary>
internal sealed class ScriptedPeer : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly Socket _socket;
    private readonly MemoryStream _received = new();
    private long _sent;

    public ScriptedPeer(Socket socket) => _socket = socket;

    /// <summary>Dials an appliance and greets it.</summary>
    public static async Task<ScriptedPeer> DialAsync(string address)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPEndPoint.Parse(address));
        var peer = new ScriptedPeer(socket);
        await peer.GreetAsync();
        (await peer.ReceiveAsync())!.Value.Header.Type.ShouldBe(FrameType.Hello);
        return peer;
    }

    public Task GreetAsync() => SendAsync(0, 0, new Hello(Hello.OldestSupported, Hello.CurrentVersion, Guid.NewGuid(), "scripted", "test"));

    public Task SendAsync<T>(int stream, long epoch, T message)
        where T : IWireMessage<T> => SendAsync(T.Type, stream, epoch, WireMessage.Encode(message));

    /// <param name="step">How much the frame's number is ahead of the last one's; 1 is right.</param>
    /// <param name="flip">Byte of the frame in which a bit changes on the way; -1 for none.</param>
    public Task SendAsync(FrameType type, int stream, long epoch, byte[] payload, int step = 1, int flip = -1)
    {
        var frame = Frame(type, stream, epoch, payload, step);
        if (flip >= 0)
        {
            frame[flip] ^= 0x10;
        }

        return SendRawAsync(frame);
    }

    /// <summary>Frames that the other end finds there at once, all of them.</summary>
    public Task SendTogetherAsync(int stream, long epoch, params (FrameType Type, byte[] Payload)[] messages) =>
        SendRawAsync(messages.SelectMany(m => Frame(m.Type, stream, epoch, m.Payload, 1)).ToArray());

    private byte[] Frame(FrameType type, int stream, long epoch, byte[] payload, int step)
    {
        _sent += step;
        var frame = new byte[FrameCodec.HeaderSize + payload.Length];
        FrameCodec.WriteHeader(frame, new FrameHeader(type, FrameFlags.None, payload.Length, stream, _sent, new Epoch(epoch), default, payload.Length, 0), payload);
        payload.CopyTo(frame, FrameCodec.HeaderSize);
        return frame;
    }

    private async Task SendRawAsync(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            while (!bytes.IsEmpty)
            {
                bytes = bytes[await _socket.SendAsync(bytes, SocketFlags.None)..];
            }
        }
        catch (SocketException)
        {
            // The appliance has ended the connection already: the next read says so.
        }
    }

    /// <summary>The next frame of a volume's stream or a greeting, heartbeats left out; null when the connection ended.</summary>
    public async Task<(FrameHeader Header, byte[] Payload)?> ReceiveAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        var buffer = new byte[64 * 1024];
        while (true)
        {
            var input = new ReadOnlySequence<byte>(_received.GetBuffer(), 0, (int)_received.Length);
            var status = FrameCodec.TryRead(ref input, out var header, out var payload);
            status.ShouldNotBe(FrameReadStatus.Corrupt);
            if (status == FrameReadStatus.Frame)
            {
                var (content, rest) = (payload.ToArray(), input.ToArray());
                _received.SetLength(0);
                _received.Write(rest);
                if (header.Type != FrameType.Heartbeat)
                {
                    return (header, content);
                }

                continue;
            }

            try
            {
                var count = await _socket.ReceiveAsync(buffer, SocketFlags.None, patience.Token);
                if (count == 0)
                {
                    return null;
                }

                _received.Write(buffer, 0, count);
            }
            catch (SocketException)
            {
                return null;
            }
            catch (OperationCanceledException)
            {
                Assert.Fail($"no frame and no end of the connection within {Patience.TotalSeconds} s");
            }
        }
    }

    /// <summary>Frames up to the first of this type, which is returned.</summary>
    public async Task<(FrameHeader Header, byte[] Payload)> ReceiveAsync(FrameType type)
    {
        while (await ReceiveAsync() is { } frame)
        {
            if (frame.Header.Type == type)
            {
                return frame;
            }
        }

        Assert.Fail($"the connection ended before a {type} frame came");
        return default;
    }

    public ValueTask DisposeAsync()
    {
        _socket.Dispose();
        _received.Dispose();
        return ValueTask.CompletedTask;
    }
}
