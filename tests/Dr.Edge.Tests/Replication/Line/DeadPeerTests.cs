using System.Net;
using System.Net.Sockets;
using Dr.Contracts.Errors;
using Dr.Contracts.Wire;
using Dr.Edge.Replication;
using Dr.Edge.Replication.Line;
using Microsoft.Extensions.Time.Testing;

namespace Dr.Edge.Tests.Replication.Line;

/// <summary>A peer that says nothing is found dead within ten seconds, whatever was under way; one that only makes us work is not. Time is given by hand, sockets are real.</summary>
public sealed class DeadPeerTests : IAsyncLifetime
{
    private readonly FakeTimeProvider _clock = new();
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private Socket _near = null!;
    private Socket _peer = null!;

    public async ValueTask InitializeAsync()
    {
        _listener.Start();
        _near = new Socket(SocketType.Stream, ProtocolType.Tcp);
        var accepting = _listener.AcceptSocketAsync();
        await _near.ConnectAsync(_listener.LocalEndpoint);
        _peer = await accepting;
    }

    public ValueTask DisposeAsync()
    {
        _peer.Dispose();
        _near.Dispose();
        _listener.Dispose();
        return default;
    }

    [Theory]
    [InlineData(0)]
    [InlineData(20)]
    [InlineData(FrameCodec.HeaderSize + 5)]
    public async Task A_peer_that_falls_silent_idle_or_in_the_middle_of_a_frame_is_found_within_ten_seconds(int bytesOfAFrame)
    {
        await using var connection = new FrameConnection(_near, new SocketLine(_near), _clock);
        var running = connection.RunAsync(static (_, _) => ValueTask.CompletedTask, default);
        await _peer.SendAsync(Beat()[..bytesOfAFrame]);
        await Node.Until(() => _near.Available == 0, "what it said to be read");
        await DeadAsync(running);
    }

    [Fact]
    public async Task A_peer_that_stops_reading_while_we_send_is_found_within_ten_seconds()
    {
        await using var connection = new FrameConnection(_near, new SocketLine(_near), _clock);
        var running = connection.RunAsync(static (_, _) => ValueTask.CompletedTask, default);
        using var compression = new FrameCompression();
        var data = new byte[FrameConnection.PartBytes];
        new Random(1).NextBytes(data);
        var sending = Task.Run(async () =>
        {
            while (true)
            {
                await connection.SendAsync(FrameType.Batch, new FrameStamp(1, default, default), data, compression, FrameConnection.PartBytes, static (_, _) => Task.CompletedTask, default);
            }
        });
        long sent = -1;
        await Node.Until(() => Interlocked.Exchange(ref sent, connection.SentBytes) == connection.SentBytes && connection.SentBytes > 0, "the line to be full");
        await DeadAsync(running);
        await Should.ThrowAsync<Exception>(() => sending.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_disk_that_takes_long_here_is_no_reason_to_give_up_a_peer_that_is_there()
    {
        await using var connection = new FrameConnection(_near, new SocketLine(_near), _clock);
        var (entered, leave) = (new TaskCompletionSource(), new TaskCompletionSource());
        using var stop = new CancellationTokenSource();
        var running = connection.RunAsync(
            async (_, _) =>
            {
                entered.TrySetResult();
                await leave.Task;
            },
            stop.Token);
        var frame = WireMessage.Encode(new Detach("busy"));
        var bytes = new byte[FrameCodec.HeaderSize + frame.Length];
        FrameCodec.WriteHeader(bytes, new FrameHeader(FrameType.Detach, FrameFlags.None, frame.Length, 1, 1, default, default, frame.Length, 0), frame);
        frame.CopyTo(bytes, FrameCodec.HeaderSize);
        await _peer.SendAsync(bytes);
        await entered.Task.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        await PassAsync(30);
        running.IsCompleted.ShouldBeFalse("we were busy, the peer was not silent");
        leave.SetResult();
        await Node.Until(() => !connection.IsBusy, "the message to be done");
        await DeadAsync(running);
    }

    private async Task DeadAsync(Task running)
    {
        await PassAsync(FrameConnection.DeadAfter.TotalSeconds - 1);
        running.IsCompleted.ShouldBeFalse("four missed heartbeats are not there yet");
        await PassAsync(3);
        (await Should.ThrowAsync<DrException>(() => running.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken))).Message.ShouldContain("silent for 8 s");
    }

    // In steps, so that every timer sees its turn.
    private async Task PassAsync(double seconds)
    {
        for (var passed = 0.0; passed < seconds; passed += 0.25)
        {
            _clock.Advance(TimeSpan.FromSeconds(0.25));
            await Task.Delay(1);
        }
    }

    private byte[] Beat()
    {
        var payload = WireMessage.Encode(new Heartbeat(_clock.GetUtcNow(), default));
        var frame = new byte[FrameCodec.HeaderSize + payload.Length];
        FrameCodec.WriteHeader(frame, new FrameHeader(FrameType.Heartbeat, FrameFlags.None, payload.Length, 0, 1, default, default, payload.Length, 0), payload);
        payload.CopyTo(frame, FrameCodec.HeaderSize);
        return frame;
    }
}
