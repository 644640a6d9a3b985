using System.Net;
using System.Net.Sockets;
using Dr.Edge.Replication.Line;

namespace Dr.Edge.Tests.Replication.Line;

public sealed class SocketLineTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private SocketLine _near = null!;
    private SocketLine _far = null!;
    private Socket _nearSocket = null!;

    public async ValueTask InitializeAsync()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        _nearSocket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        var accepting = listener.AcceptSocketAsync();
        await _nearSocket.ConnectAsync(listener.LocalEndpoint);
        (_near, _far) = (new SocketLine(_nearSocket), new SocketLine(await accepting));
    }

    public async ValueTask DisposeAsync()
    {
        await _near.DisposeAsync();
        await _far.DisposeAsync();
    }

    [Fact]
    public async Task What_the_kernel_does_not_take_at_once_arrives_whole_and_in_order_beside_the_other_direction()
    {
        var sent = new byte[24 << 20];
        new Random(1).NextBytes(sent);
        var writing = Task.Run(async () =>
        {
            for (var at = 0; at < sent.Length; at += 3 << 20)
            {
                await _near.WriteAsync(sent.AsMemory(at, 3 << 20));
            }
        });
        await Task.Delay(50); // Until it is full.
        writing.IsCompleted.ShouldBeFalse();
        await _far.WriteAsync(new byte[] { 7 });
        var answer = new byte[16];
        _near.Read(answer).ShouldBe(1);

        var received = new byte[sent.Length];
        await Task.Run(() => _far.ReadExactly(received)).WaitAsync(Patience);
        await writing.WaitAsync(Patience);
        received.AsSpan().SequenceEqual(sent).ShouldBeTrue();
        (await _near.WriteAsync(new byte[] { 1 }).AsTask().WaitAsync(Patience).ContinueWith(done => done.IsCompletedSuccessfully)).ShouldBeTrue();
    }

    [Fact]
    public async Task Closing_the_socket_wakes_who_reads_and_who_writes()
    {
        var reading = Task.Factory.StartNew(() => _near.Read(new byte[16]), TaskCreationOptions.LongRunning);
        var writing = _near.WriteAsync(new byte[64 << 20]).AsTask();
        await Task.Delay(50);
        (reading.IsCompleted, writing.IsCompleted).ShouldBe((false, false));

        _nearSocket.Close();
        await Should.ThrowAsync<Exception>(() => writing.WaitAsync(Patience));
        writing.IsFaulted.ShouldBeTrue();
        await reading.WaitAsync(Patience).ContinueWith(static _ => { }, TaskScheduler.Default);
        reading.IsCompleted.ShouldBeTrue("its thread must not sleep for ever");
    }

    [Fact]
    public async Task The_end_of_the_other_end_reads_as_the_end_and_a_write_to_it_fails()
    {
        await _far.DisposeAsync();
        _near.Read(new byte[16]).ShouldBe(0);
        await Should.ThrowAsync<IOException>(async () =>
        {
            for (var i = 0; i < 100; i++)
            {
                await _near.WriteAsync(new byte[1024]);
                await Task.Delay(1);
            }
        });
    }
}
